"""The errors of search.

::

    DepartmentError
     +-- SearchError (RuntimeError)
          +-- PatternError (ValueError)    a pattern cannot be read, or says too little
          +-- TooManyPlatesError           more fits than can be ranked
          +-- SearchTimeoutError           the database gave the statement up
          +-- CaseRequiredError            what is asked is for a case only
          +-- PlacesError                  the department's map cannot be read
          +-- SearchNotFoundError          a search does not exist, or has expired
               +-- SearchNotYoursError     it belongs to another session
"""

from platepost.department.errors import DepartmentError


class SearchError(DepartmentError, RuntimeError):
    """A search cannot be answered; the message says what to ask instead. It never repeats a plate."""


class PatternError(SearchError, ValueError):
    """A pattern cannot be read, or says too little."""


class TooManyPlatesError(SearchError):
    """More plates fit than can be ranked."""


class SearchTimeoutError(SearchError):
    """The database gave the statement up, or it was canceled."""


class CaseRequiredError(SearchError):
    """What is asked is shown for a case only, and none is named."""


class PlacesError(SearchError):
    """The department's map cannot be read."""


class SearchNotFoundError(SearchError):
    """A search does not exist, or has expired."""


class SearchNotYoursError(SearchNotFoundError):
    """A search belongs to another session."""
