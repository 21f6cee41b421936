"""The code of the Lambda that prepares batches for Data Firehose; its asset is this folder and the shipper's."""
