"""What changed between two full extracts of the same data: created, updated and deleted records, by key.

`cut` says which bytes of a record are its key and which are compared, `difference` compares, `image` is what is kept
of each key, `changes` makes events of it, and `delivery` leads one extract through all of that.
"""
