"""Vocabulary of column names: words in several languages, by what they mean."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEUTRAL = _words(
    "avg average mean total tot sum gesamt summe real now inst instantaneous meter "
    "zaehler zähler electricity electric elec electrical strom house home household haus "
    "whole main mains net netto global mittel mittelwert the of at in data sensor reading "
    "readings interval"
)
"""Words that say nothing about the quantity, or that it is that of the whole house."""

POWER = _words(
    "power p active pact leistung wirkleistung puissance vermogen potencia potenza effekt "
    "effect load last wattage grid netz whe aggregate"
)
"""Words for power."""

VALUE = _words(
    "value wert valeur waarde valor v demand mains use usage consumption consumed "
    "verbrauch consommation verbruik consumo bezug netzbezug import imported offtake "
    "afname drawn delivered state energy energie energia zählerstand volume kw watt"
)
"""Words for a value, of power or of energy."""

IMPORT = _words("import imported offtake afname bezug netzbezug delivered drawn purchased")
"""Words for power or energy that is drawn from the grid, without what is fed into it."""

EXPORT = _words(
    "export exported return returned injection injected einspeisung eingespeist "
    "teruglevering feed feedin fed surplus lieferung"
)
"""Words for energy that is fed into the grid."""

PART = _words(
    "max maximum min minimum peak std solar pv battery batt generator generation "
    "production produced fridge heat heatpump pump ev car charger boiler oven dishwasher "
    "washing dryer air appliance sub submeter metering phase l1 l2 l3 apparent services "
    "irradiance temperature water gas issues cost"
)
"""Words for parts of a house, and for values other than a mean."""

TARIFF = _words(
    "tariff tarif low normal normaal dal high peak offpeak day night tag nacht ht nt hp "
    "hc t1 t2 laag hoog"
)
"""Words for one tariff of several."""

IDENTIFIER = _words("id dataid mprn mpan ean prm serial number nr no index row table result")
"""Words for numbers that identify something."""

SERIES = _words(
    "entity entities series serie sensor device name metric field measurement register "
    "meter channel uuid mprn dataid table circuit phase topic tag label id obis kanal "
    "zaehler zähler type direction richtung"
)
"""Words for columns that tell series apart."""

HOUSE = _words(
    "power total house home main mains grid net usage import offtake consumption consumed "
    "verbrauch bezug aggregate whole w kw watt watts"
)
"""Words in the name of a series that is likely the power of the house."""

PHASE = _words("l1 l2 l3 phase")
"""Words for one phase of several."""

TIME_DAY_FIRST = _words(
    "datum uhrzeit zeit zeitpunkt zeitstempel messzeitpunkt heure horodate fecha hora tijd ora "
    "opnamedatum klockslag dato pvm"
)
"""Words for times in languages that write the day first."""

ZONES_OF_THE_USA = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")
"""Zones of a country that writes the month first."""
