"""Tables: CSV and Parquet files → typed columns → a model's inputs and targets."""
