/** The codec: which schema a record goes by, its id at the registry, and the way there and back. */

