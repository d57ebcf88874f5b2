"""Photos by the thousand: a plan, bounded stages around one device, a record of what is done.

`plan` decides and checks, `lock` keeps a second run away, `ledger` remembers, `engine` (or `ray`)
works, `arrivals` are the photos of a folder that is watched, `run` brings all of them together.
Importing this package loads no torch.
"""

from hasnet_models.batch.engine import Engine, Settings
from hasnet_models.batch.ledger import Ledger, read_results
from hasnet_models.batch.lock import check_free, locked
from hasnet_models.batch.plan import Plan, Shard, check_folders, checked_items
from hasnet_models.batch.result import DONE, FAILED, NEW, SKIPPED, Item, Result
from hasnet_models.batch.run import Run, opened, with_earlier_seed

__all__ = [
    "DONE",
    "FAILED",
    "NEW",
    "SKIPPED",
    "Engine",
    "Item",
    "Ledger",
    "Plan",
    "Result",
    "Run",
    "Settings",
    "Shard",
    "check_folders",
    "check_free",
    "checked_items",
    "locked",
    "opened",
    "read_results",
    "with_earlier_seed",
]
