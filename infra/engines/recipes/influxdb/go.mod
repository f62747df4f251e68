module tidemark/influxdb-engine

go 1.23

require github.com/influxdata/influxdb/v2 v2.7.12
