from tests.department.commands.installation import databases_lent, installed

__all__ = ["databases_lent", "installed"]
