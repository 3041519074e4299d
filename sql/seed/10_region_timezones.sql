-- The 89 subjects of the federation, named as in the numbering plan, and the time zones that the law gives them.
-- Rows that are there already stay as they are: somebody may have corrected them.
insert into sms.region_timezone (region, time_zone, other_time_zones, iso_3166_2)
select substr(s.subject, strpos(s.subject, ' ') + 1),
       z.zones[1],
       z.zones[2:],
       nullif(split_part(s.subject, ' ', 1), '-')
  from (values
    (array['Europe/Kaliningrad'], array['RU-KGD Калининградская область']),
    (array['Europe/Moscow'], array[
        'RU-MOW Город Москва', 'RU-MOS Московская область', 'RU-SPE Город Санкт-Петербург', 'RU-LEN Ленинградская область',
        'RU-AD Республика Адыгея', 'RU-ARK Архангельская область', 'RU-BEL Белгородская область', 'RU-BRY Брянская область',
        'RU-VLA Владимирская область', 'RU-VLG Вологодская область', 'RU-VOR Воронежская область', 'RU-DA Республика Дагестан',
        'RU-IVA Ивановская область', 'RU-IN Республика Ингушетия', 'RU-KB Кабардино-Балкарская Республика',
        'RU-KL Республика Калмыкия', 'RU-KLU Калужская область', 'RU-KC Карачаево-Черкесская Республика',
        'RU-KR Республика Карелия', 'RU-KO Республика Коми', 'RU-KOS Костромская область', 'RU-KDA Краснодарский край',
        'RU-KRS Курская область', 'RU-LIP Липецкая область', 'RU-ME Республика Марий Эл', 'RU-MO Республика Мордовия',
        'RU-MUR Мурманская область', 'RU-NEN Ненецкий автономный округ', 'RU-NIZ Нижегородская область',
        'RU-NGR Новгородская область', 'RU-ORL Орловская область', 'RU-PNZ Пензенская область', 'RU-PSK Псковская область',
        'RU-ROS Ростовская область', 'RU-RYA Рязанская область', 'RU-SE Республика Северная Осетия - Алания',
        'RU-SMO Смоленская область', 'RU-STA Ставропольский край', 'RU-TAM Тамбовская область', 'RU-TA Республика Татарстан',
        'RU-TVE Тверская область', 'RU-TUL Тульская область', 'RU-CE Чеченская Республика',
        'RU-CU Чувашская Республика - Чувашия', 'RU-YAR Ярославская область',
        -- Moscow time by Russian law; a look-up of the point in tzdb would say Europe/Kyiv.
        '- Донецкая Народная Республика', '- Луганская Народная Республика', '- Запорожская область', '- Херсонская область']),
    (array['Europe/Simferopol'], array['UA-43 Республика Крым', 'UA-40 Город Севастополь']),
    (array['Europe/Kirov'], array['RU-KIR Кировская область']),
    (array['Europe/Volgograd'], array['RU-VGG Волгоградская область']),
    (array['Europe/Samara'], array['RU-SAM Самарская область', 'RU-UD Удмуртская Республика']),
    (array['Europe/Astrakhan'], array['RU-AST Астраханская область']),
    (array['Europe/Saratov'], array['RU-SAR Саратовская область']),
    (array['Europe/Ulyanovsk'], array['RU-ULY Ульяновская область']),
    (array['Asia/Yekaterinburg'], array[
        'RU-SVE Свердловская область', 'RU-CHE Челябинская область', 'RU-TYU Тюменская область', 'RU-KGN Курганская область',
        'RU-ORE Оренбургская область', 'RU-PER Пермский край', 'RU-BA Республика Башкортостан',
        'RU-KHM Ханты-Мансийский автономный округ - Югра', 'RU-YAN Ямало-Ненецкий автономный округ']),
    (array['Asia/Omsk'], array['RU-OMS Омская область']),
    (array['Asia/Novosibirsk'], array['RU-NVS Новосибирская область']),
    (array['Asia/Barnaul'], array['RU-ALT Алтайский край', 'RU-AL Республика Алтай']),
    (array['Asia/Tomsk'], array['RU-TOM Томская область']),
    (array['Asia/Novokuznetsk'], array['RU-KEM Кемеровская область - Кузбасс']),
    (array['Asia/Krasnoyarsk'], array['RU-KYA Красноярский край', 'RU-KK Республика Хакасия', 'RU-TY Республика Тыва']),
    (array['Asia/Irkutsk'], array['RU-IRK Иркутская область', 'RU-BU Республика Бурятия']),
    (array['Asia/Chita'], array['RU-ZAB Забайкальский край']),
    (array['Asia/Yakutsk'], array['RU-AMU Амурская область']),
    -- The one subject with several legal times, and a number does not tell the district: +9, +10 and +11.
    (array['Asia/Yakutsk', 'Asia/Vladivostok', 'Asia/Srednekolymsk'], array['RU-SA Республика Саха (Якутия)']),
    (array['Asia/Vladivostok'], array[
        'RU-PRI Приморский край', 'RU-KHA Хабаровский край', 'RU-YEV Еврейская автономная область']),
    (array['Asia/Magadan'], array['RU-MAG Магаданская область']),
    (array['Asia/Sakhalin'], array['RU-SAK Сахалинская область']),
    (array['Asia/Kamchatka'], array['RU-KAM Камчатский край']),
    (array['Asia/Anadyr'], array['RU-CHU Чукотский автономный округ'])
  ) as z (zones, subjects)
 cross join lateral unnest(z.subjects) as s (subject)
    on conflict (region) do nothing;
