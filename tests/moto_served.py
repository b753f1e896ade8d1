"""AWS by moto on loopback, for tests in one process: where it is, and an environment that leads boto3 there."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from moto.server import ThreadedMotoServer

REGION = "eu-central-1"


@contextmanager
def moto_served() -> Iterator[Mapping[str, str]]:
    """Serve AWS, and return the variables by which boto3 finds it and is let in."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }
    finally:
        server.stop()
