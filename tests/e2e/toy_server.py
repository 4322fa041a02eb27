"""A server of toy models: `python toy_server.py '{"workers": 1, "models": [{…}], "limits": {…}}'`.

It prints its port and the numbers of its workers."""

import json
import logging
import sys

from stepwell.deploy.process import Job
from stepwell.deploy.server import Site, run
from stepwell.deploy.settings import Limits


def main():
    given = json.loads(sys.argv[1])
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    job = Job(load="served_models:servable", models=tuple(given.get("models", [{}])), max_rows=given.get("rows", 64))
    limits = Limits(rows=given.get("rows", 64), **given.get("limits", {}))
    site = Site(job=job, port=0, workers=given.get("workers", 1), token=given.get("token", ""), limits=limits)
    run(site, lambda hub, port: print(json.dumps({"port": port, "workers": hub._crew.pids}), flush=True))


if __name__ == "__main__":
    main()
