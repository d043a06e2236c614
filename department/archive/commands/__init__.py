"""Commands of the archive: retention, holds, purges, backups, exports."""
