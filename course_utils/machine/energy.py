"""What arithmetic costs outside of the machine: joules where a meter can be read, else a range."""

from pathlib import Path

RAPL = Path("/sys/class/powercap")  # Linux; since 2020 only the administrator may read it


def energy_meter(folder: Path = RAPL) -> float | None:
    """Joules that the processor packages have used since some moment in the past, or None.

    The difference of two readings is the energy in between: of the whole package, so of whatever
    else runs on it too, without memory, screen and power supply. The counters start again from 0
    after some hours. None where there is no meter, or it may not be read.

    >>> energy_meter(Path("nowhere")) is None
    True
    """
    try:
        zones = [one for one in Path(folder).glob("intel-rapl:[0-9]*") if one.name.count(":") == 1]
        packages = [one for one in zones if (one / "name").read_text().startswith("package")]
        found = [int((one / "energy_uj").read_text()) for one in packages]  # psys has them, too
    except (OSError, ValueError):
        return None
    return sum(found) / 1e6 if found else None


def footprint(seconds: float, watts: float, grams_per_kwh: float) -> tuple[float, float]:
    """Kilowatt-hours and grams of CO₂ of a machine that draws `watts` for `seconds`.

    A kilowatt-hour is 3.6 million watt-seconds; what it emits depends on the grid, from about 20
    g (hydropower) to 1,000 g (lignite). Raises ValueError for a negative number.

    >>> footprint(3600, 1000, 400)
    (1.0, 400.0)
    """
    if min(seconds, watts, grams_per_kwh) < 0:
        raise ValueError("seconds, watts and grams_per_kwh must not be negative.")
    kilowatt_hours = seconds * watts / 3.6e6
    return kilowatt_hours, kilowatt_hours * grams_per_kwh
