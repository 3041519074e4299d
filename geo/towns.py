"""Towns of Russia as plain facts, for made-up clients: where they are, how big, what time it is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Town:
    """A town: its centre in degrees WGS 84, rounded, and its people in thousands, rounded."""

    name: str
    lat: float
    lon: float
    thousands: int
    zone: str


TOWNS = (
    Town("Москва", 55.75, 37.62, 13_100, "Europe/Moscow"),
    Town("Санкт-Петербург", 59.94, 30.32, 5_600, "Europe/Moscow"),
    Town("Новосибирск", 55.03, 82.92, 1_630, "Asia/Novosibirsk"),
    Town("Екатеринбург", 56.84, 60.61, 1_540, "Asia/Yekaterinburg"),
    Town("Казань", 55.79, 49.12, 1_310, "Europe/Moscow"),
    Town("Нижний Новгород", 56.33, 44.00, 1_210, "Europe/Moscow"),
    Town("Красноярск", 56.01, 92.87, 1_200, "Asia/Krasnoyarsk"),
    Town("Челябинск", 55.16, 61.40, 1_180, "Asia/Yekaterinburg"),
    Town("Самара", 53.20, 50.15, 1_160, "Europe/Samara"),
    Town("Уфа", 54.74, 55.97, 1_160, "Asia/Yekaterinburg"),
    Town("Ростов-на-Дону", 47.24, 39.71, 1_140, "Europe/Moscow"),
    Town("Краснодар", 45.04, 38.98, 1_120, "Europe/Moscow"),
    Town("Омск", 54.99, 73.37, 1_110, "Asia/Omsk"),
    Town("Воронеж", 51.66, 39.20, 1_050, "Europe/Moscow"),
    Town("Пермь", 58.01, 56.25, 1_030, "Asia/Yekaterinburg"),
    Town("Волгоград", 48.71, 44.51, 1_020, "Europe/Volgograd"),
    Town("Саратов", 51.53, 46.03, 890, "Europe/Saratov"),
    Town("Тюмень", 57.15, 65.53, 860, "Asia/Yekaterinburg"),
    Town("Барнаул", 53.35, 83.78, 620, "Asia/Barnaul"),
    Town("Ижевск", 56.85, 53.20, 620, "Europe/Samara"),
    Town("Хабаровск", 48.48, 135.07, 620, "Asia/Vladivostok"),
    Town("Ульяновск", 54.32, 48.40, 610, "Europe/Ulyanovsk"),
    Town("Иркутск", 52.29, 104.28, 610, "Asia/Irkutsk"),
    Town("Владивосток", 43.12, 131.89, 590, "Asia/Vladivostok"),
    Town("Томск", 56.48, 84.95, 550, "Asia/Tomsk"),
    Town("Новокузнецк", 53.76, 87.11, 530, "Asia/Novokuznetsk"),
    Town("Калининград", 54.71, 20.51, 490, "Europe/Kaliningrad"),
    Town("Астрахань", 46.35, 48.04, 470, "Europe/Astrakhan"),
    Town("Киров", 58.60, 49.66, 470, "Europe/Kirov"),
    Town("Якутск", 62.03, 129.73, 370, "Asia/Yakutsk"),
    Town("Симферополь", 44.95, 34.10, 340, "Europe/Simferopol"),
    Town("Чита", 52.03, 113.50, 330, "Asia/Chita"),
    Town("Южно-Сахалинск", 46.96, 142.74, 180, "Asia/Sakhalin"),
    Town("Петропавловск-Камчатский", 53.04, 158.65, 160, "Asia/Kamchatka"),
    Town("Магадан", 59.56, 150.80, 90, "Asia/Magadan"),
    Town("Анадырь", 64.73, 177.51, 13, "Asia/Anadyr"),
)
