"""Making pictures: the lineage, pipelines, rendering."""
