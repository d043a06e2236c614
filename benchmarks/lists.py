"""An Amber alert by web: from the saving of the form to the list in force on many posts.

::

    python benchmarks/lists.py --posts 50
    python benchmarks/lists.py --posts 50 --times 5

Pages, signer, broker and a browser run as in `tests/department/web/test_lists_page.py`; the posts are whole, in this
process, and read nothing. Needs mosquitto, PostgreSQL and Chromium.
"""

import argparse
import shutil
import statistics

from playwright.sync_api import sync_playwright

from platepost.department.database.cluster import PrivateCluster
from platepost.provisioning.fleet.fleet import Fleet
from tests.browser import Visitor, chromium_path
from tests.department.commands.installation import commands, new_folder
from tests.department.web.lists_site import enter_amber_alert, lists_site


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=50)
    parser.add_argument("--times", type=int, default=3)
    given = parser.parse_args()
    top = new_folder()
    try:
        Fleet.create(top / "fleet", agency="riverside", custodian="records")
        made = commands(top)
        done = made("init", made.identity)
        if done.returncode:
            raise SystemExit(done.stderr)
        with lists_site(made, posts=given.posts) as site, sync_playwright() as playwright:
            visitor = Visitor(playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"]))
            page = visitor.open(f"{site.address}/log-in/")
            took = [enter_amber_alert(page, site, f"7XY?{number}*") for number in range(given.times)]
        print(
            f"{given.posts} posts, {given.times} alerts: median {statistics.median(took):.2f} s, most {max(took):.2f} s"
        )
    finally:
        PrivateCluster(top / "vault" / "database").kill()
        shutil.rmtree(top)


if __name__ == "__main__":
    main()
