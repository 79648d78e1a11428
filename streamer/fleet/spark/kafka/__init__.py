"""Source and sink for Spark's streams over confluent-kafka, without a jar.

::

    from streamer.fleet.spark.kafka.datasource import register

    register(spark)
    spark.readStream.format("streamer-kafka")
        .options(servers="kafka-1:9092,kafka-2:9092", topic="readings").load()

The columns are those of Spark's own connector, so that either can be used. The executors need
the extra ``kafka``, like the driver.

==================  ==================================================================
option              meaning
==================  ==================================================================
``servers``         the brokers to ask first, ``host:port`` separated by commas
``topic``           the topic; for the source, it must exist
``config``          path of a file of librdkafka properties, see below
``timeout``         seconds without an answer or a record before an error: 20
``startingoffsets`` source: ``earliest`` or ``latest``, for a new checkpoint: earliest
``maxrecords``      source: largest number of offsets in a batch: 1000000
``failondataloss``  source: whether lost records are an error: true
==================  ==================================================================

Passwords, certificates and other settings for a broker are in the file ``config``::

    # kafka.properties
    security.protocol=sasl_ssl
    sasl.mechanism=PLAIN
    sasl.username=fleet
    sasl.password=${KAFKA_PASSWORD}

A value of the form ``${NAME}`` is taken from the environment. The file is read where the
connection is made, on the driver and on every executor, so the path must be valid on all of
them. Only the path is transferred: no secret gets into a task, a plan, an event log or the
checkpoint. With TLS, certificates and host names are checked against the system's authorities,
or those in ``ssl.ca.location``.

Offsets are kept in Spark's checkpoint only; nothing is committed to a consumer group. Only
records of committed transactions are read, unless the file sets another isolation level.

The sink writes the columns ``value`` and, if present, ``key``. It is **at least once**: a batch
that Spark runs again is written again. Duplicates of its rows have the same meter and minute.
"""
