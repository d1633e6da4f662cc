"""Sessions in a table of a relational database: the store, its statements, what errors mean."""
