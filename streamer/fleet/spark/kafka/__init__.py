"""Kafka without a jar: a source and a sink for Spark's streams, over confluent-kafka.

::

    from streamer.fleet.spark.kafka.datasource import register

    register(spark)
    spark.readStream.format("streamer-kafka")
        .options(servers="kafka-1:9092,kafka-2:9092", topic="readings").load()

The columns are those of Spark's own connector, so one can stand for the other. The executors
need the extra ``kafka`` as the driver does.

==================  ==================================================================
option              meaning
==================  ==================================================================
``servers``         the brokers to ask first, ``host:port`` with commas between them
``topic``           the topic; for the source, it has to be there
``config``          path of a file of librdkafka properties, see below
``timeout``         seconds without an answer or a record until it is an error: 20
``startingoffsets`` source: ``earliest`` or ``latest``, for a new checkpoint: earliest
``maxrecords``      source: most offsets to take in a batch: 1000000
``failondataloss``  source: whether records that are gone are an error: true
==================  ==================================================================

Passwords, certificates and whatever else a broker asks for are in the file ``config``::

    # kafka.properties
    security.protocol=sasl_ssl
    sasl.mechanism=PLAIN
    sasl.username=fleet
    sasl.password=${KAFKA_PASSWORD}

A value that is ``${NAME}`` as a whole is taken from the environment. The file is read where
the connection is made: on the driver and on every executor, so the path must be right on all
of them. Only the path travels: no secret comes into a task, a plan, an event log or the
checkpoint. With TLS, certificates and host names are checked against the system's
authorities, or those in ``ssl.ca.location``.

Offsets are in Spark's checkpoint alone; nothing is committed to a consumer group. Only
records of committed transactions are read, unless the file says otherwise.

The sink writes the columns ``value`` and, if there is one, ``key``. It is **at least once**: a
batch that Spark runs again is written again. Of its rows, meter and minute are the key by
which to drop what has come twice.
"""
