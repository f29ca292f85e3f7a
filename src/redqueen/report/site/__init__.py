"""The leaderboard as a folder of plain files: pages that open from disk, and are read without a script as well."""
