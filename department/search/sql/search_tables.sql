-- What each role may do with the tables of search. Nobody reads the dictionary but by `search_candidates`, and what a
-- ticket opens, or a session searches for, functions alone return.

GRANT SELECT, INSERT ON search_saved TO platepost_web;
GRANT INSERT ON search_ticket TO platepost_web;
