"""Publication over MQTT: JSON for everybody, and entities for Home Assistant.

::

    MeterState ──▶ MeterMessages ──▶ MqttPublisher ──▶ broker
                   │ Entity           values for Home Assistant, and which a meter has
                   │ Discovery        their configuration, and what a broker keeps of earlier ones
                   │ Backlog          minutes and alarms until they have arrived
                   └ Topics           names of the topics
"""
