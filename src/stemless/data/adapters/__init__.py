"""Public data sets as their authors lay them out on disk, turned into manifests of recordings."""
