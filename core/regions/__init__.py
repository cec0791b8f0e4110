"""Where things are: countries (ISO 3166-1) › provinces › prefectures › counties (GB/T 2260).

`RegionTree` (tree.py) answers questions, `load` and `import_counties` (load.py) fill the table.

Shipped are all countries, provinces and prefectures, and the counties that stand directly under a
province: those of Henan, Hubei, Hainan and Xinjiang, and Chongqing's, since that city is as wide
as a province. All other counties, Beijing's, Tianjin's and Shanghai's districts among them, are
imported. A position is that of the seat, in WGS-84; Taiwan's is the island's middle.
"""
