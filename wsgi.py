"""What gunicorn serves: `gunicorn wsgi:app`."""

from app import create_app
from services.teaser_chat import warm_up

app = create_app()
warm_up()
