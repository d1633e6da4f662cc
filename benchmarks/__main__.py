"""Run all benchmarks, or the named ones: `python -m benchmarks store service`."""

import sys

from benchmarks import batches, growth, interfaces, migration, peers, service, store, widget

PARTS = {
    "store": store.run,
    "migration": migration.run,
    "service": service.run,
    "interfaces": interfaces.run,
    "batches": batches.run,
    "growth": growth.run,
    "peers": peers.run,
    "widget": widget.run,
}


def main(names: list[str]) -> int:
    """Run the named parts, or all of them; return 2 for an unknown name."""
    unknown = set(names) - set(PARTS)
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; choose from: {', '.join(PARTS)}")
        return 2
    for name in names or PARTS:
        PARTS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
