"""Articles composed for the tests: events in several languages, true translations, and what only looks like one.

`story` names the event; articles with the same `text_of` are one text in several languages (or alphabets).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

FIRST_DAY = date(2025, 11, 6)


@dataclass(frozen=True, slots=True)
class Composed:
    """One article; `day` counts from the first day."""

    name: str
    language: str
    story: str
    title: str
    text: str
    text_of: str | None = None
    day: int = 0

    @property
    def published(self) -> date:
        """Its day."""
        return FIRST_DAY + timedelta(days=self.day)


TUNGSTEN_RU = """\
Казахстанская компания «Тау-Кен Алтын» и американская Northfield Metals подписали соглашение о разработке \
вольфрамового месторождения Кызылтас в Карагандинской области. Об этом сообщил министр промышленности Ерсайын Нагаспаев.

По условиям документа Northfield Metals получит 70% в совместном предприятии, а «Тау-Кен Алтын» сохранит 30%. \
Стоимость проекта оценивается в 1,1 млрд долларов, из них 350 млн пойдут на строительство обогатительной фабрики \
мощностью 4,6 млн тонн руды в год.

«Мы рассчитываем создать 1 450 рабочих мест», – сказал Нагаспаев на церемонии, в которой участвовал заместитель \
министра торговли США Пол Даббар. По его словам, первый концентрат предприятие выпустит в 2028 году.

Глава Northfield Metals Грегори Хэмптон добавил, что Эксимбанк рассматривает кредит на 900 млн долларов. Геологи \
USGS оценивают запасы Кызылтаса в 410 тысяч тонн триоксида вольфрама."""

TUNGSTEN_EN = """\
Kazakhstan's Tau-Ken Altyn and the US company Northfield Metals have signed an agreement to develop the Kyzyltas \
tungsten deposit in the Karaganda region, Industry Minister Yersaiyn Nagaspayev announced.

Under the document Northfield Metals will receive 70% of a joint venture, while Tau-Ken Altyn keeps 30%. The project \
is valued at $1.1 billion, of which 350 million will go into a processing plant able to handle 4.6 million tons of \
ore a year.

"We expect to create 1,450 jobs," Nagaspayev said at a ceremony that was attended by US Deputy Secretary of Commerce \
Paul Dabbar. The plant, he said, will deliver its first concentrate in 2028.

The head of Northfield Metals, Gregory Hampton, added that EXIM is considering a loan of $900 million. Geologists at \
the USGS put the reserves of Kyzyltas at 410 thousand tons of tungsten trioxide."""

TUNGSTEN_KK = """\
Қазақстандық «Тау-Кен Алтын» компаниясы мен америкалық Northfield Metals Қарағанды облысындағы Қызылтас вольфрам \
кен орнын игеру туралы келісімге қол қойды. Бұл туралы өнеркәсіп министрі Ерсайын Нағаспаев хабарлады.

Құжат бойынша бірлескен кәсіпорынның 70%-ы Northfield Metals компаниясына тиесілі болады, ал «Тау-Кен Алтын» 30% \
үлесін сақтайды. Жоба құны 1,1 млрд доллар деп бағаланды, оның 350 млн доллары жылына 4,6 млн тонна кен өңдейтін \
байыту фабрикасын салуға жұмсалады.

«Біз 1 450 жұмыс орнын ашуды жоспарлап отырмыз», – деді Нағаспаев рәсімде, оған АҚШ сауда министрінің орынбасары \
Пол Даббар қатысты. Оның айтуынша, кәсіпорын алғашқы концентратын 2028 жылы шығарады.

Northfield Metals басшысы Грегори Хэмптон Эксимбанк 900 млн доллар несие беруді қарастырып жатқанын айтты. USGS \
геологтары Қызылтастың қорын 410 мың тонна вольфрам триоксиді деп бағалайды."""

# The same signing, reported by another agency on its own: some facts are the same, most are others.
TUNGSTEN_OWN_EN = """\
A US mining firm has beaten Chinese bidders to one of the largest untapped tungsten deposits in the world. Northfield \
Metals signed the deal in Washington on Thursday, two people familiar with the talks said.

The accord gives the New York firm 70% of Kyzyltas, a deposit that Soviet geologists found near Balkhash. The $1.1 \
billion price tag makes it the largest American mining investment in Kazakhstan in 15 years.

Prices of the metal have doubled since Beijing curbed exports in February, to $630 per unit in Rotterdam. The \
Pentagon will be barred from buying Chinese tungsten from 2027, and the United States has not mined any since 2015.

"This is about ammunition, not light bulbs," said Melissa Sanderson of the Critical Minerals Institute. Analysts at \
Wood Mackenzie expect a shortfall of 12,000 tons by the end of the decade. Shares of Almonty Industries fell 8.5% in \
Toronto, while Guardian Metal gained 23% in London."""

TUNGSTEN_OWN_RU = """\
Разработка вольфрама с американцами не лишит Караганду воды, заверили в акимате области. Совместное предприятие с \
Northfield Metals, напомним, создано на этой неделе: американской стороне достанется 70%.

Руководитель управления природных ресурсов Асхат Оспанбаев сообщил журналистам, что фабрика на Кызылтасе будет брать \
воду из канала имени Сатпаева, до 6,2 млн кубометров в год, и вернёт в оборот 85% объёма. Ближайшее село Акжал, где \
живут 2 300 человек, подключат к новому водопроводу.

Общественные слушания пройдут в Шетском районе. Экологи, среди которых Дмитрий Калмыков из «Экомузея», требуют \
раскрыть проект хвостохранилища площадью 240 гектаров. Стоимость всего проекта – 1,1 млрд долларов."""

LOCOMOTIVES_UZ = """\
Oʻzbekiston temir yoʻllari Amerikaning Carlton Rail kompaniyasi bilan 64 ta yuk lokomotivi yetkazib berish \
toʻgʻrisida \
shartnoma imzoladi. Bu haqda kompaniya raisi Zufar Narzullayev maʼlum qildi.

Shartnoma qiymati 287 million dollarni tashkil etadi. Dastlabki 12 ta lokomotiv Pensilvaniyadagi zavodda ishlab \
chiqariladi, qolgan 52 tasi Qarshi shahrida yigʻiladi. Qarshi zavodida 740 kishi ish bilan taʼminlanadi.

Narzullayevning aytishicha, mashinalar Angren – Pop va Buxoro – Miskin yoʻnalishlarida ishlatiladi hamda yoqilgʻi \
sarfini 18 foizga kamaytiradi. Imzolash marosimida elchi Jonatan Xenik va Carlton Rail vitse-prezidenti Rebekka \
Lindgren \
qatnashdi. Loyihani Xalqaro moliya korporatsiyasi 195 million dollar bilan moliyalashtiradi."""

LOCOMOTIVES_UZ_CYRILLIC = """\
Ўзбекистон темир йўллари Американинг Carlton Rail компанияси билан 64 та юк локомотиви етказиб бериш тўғрисида \
шартнома имзолади. Бу ҳақда компания раиси Зуфар Нарзуллаев маълум қилди.

Шартнома қиймати 287 миллион долларни ташкил этади. Дастлабки 12 та локомотив Пенсилваниядаги заводда ишлаб \
чиқарилади, қолган 52 таси Қарши шаҳрида йиғилади. Қарши заводида 740 киши иш билан таъминланади.

Нарзуллаевнинг айтишича, машиналар Ангрен – Поп ва Бухоро – Мискин йўналишларида ишлатилади ҳамда ёқилғи сарфини 18 \
фоизга камайтиради. Имзолаш маросимида элчи Жонатан Хеник ва Carlton Rail вице-президенти Ребекка Линдгрен қатнашди. \
Лойиҳани Халқаро молия корпорацияси 195 миллион доллар билан молиялаштиради."""

LOCOMOTIVES_EN = """\
Uzbekistan's railways have signed a contract with the American company Carlton Rail for 64 freight locomotives, their \
chairman Zufar Narzullayev announced.

The contract is worth $287 million. The first 12 locomotives will be built at a plant in Pennsylvania, and the other \
52 will be assembled in the city of Karshi. The Karshi plant will employ 740 people.

According to Narzullayev the engines will run on the lines between Angren and Pop and between Bukhara and Miskin, and \
cut fuel consumption by 18 percent. Ambassador Jonathan Henick and Carlton Rail vice president Rebecca Lindgren \
attended the signing. The International Finance Corporation is financing the project with $195 million."""

ENVOY_RU = """\
Специальный представитель президента США по Южной и Центральной Азии Серджио Горман завершил поездку по региону. В \
Бишкеке его принял министр иностранных дел Жээнбек Кулубаев, в Душанбе – глава дипломатии Сироджиддин Мухриддин.

На встречах говорили о безопасности границ и о судьбе авиабазы Баграм. Горман посетил также Хорог, где Фонд Ага Хана \
строит университет, и побывал на перевале Торугарт.

Посол Лесли Вигери сказала, что следующая встреча пройдёт в Самарканде. Об итогах поездки Горман доложит сенатору \
Джиму Ришу и конгрессмену Сидни Камлагер, а затем выступит в Атлантическом совете."""

ENVOY_EN = """\
The US president's special envoy for South and Central Asia, Sergio Gorman, has ended his tour of the region. In \
Bishkek he was received by Foreign Minister Jeenbek Kulubaev, in Dushanbe by the head of the diplomatic service, \
Sirojiddin Muhriddin.

The talks were about border security and the fate of the Bagram air base. Gorman also visited Khorog, where the Aga \
Khan foundation is building a university, and went to the Torugart pass.

Ambassador Lesslie Viguerie said that the next meeting would take place in Samarkand. Gorman will report on his \
tour to \
Senator Jim Risch and Congresswoman Sydney Kamlager, and then speak at the Atlantic Council."""

# Dates, the format's name and everybody's names in common, nothing else.
SUMMIT_RU = """\
Саммит «C5+1» в Вашингтоне 6 ноября 2025 года станет проверкой для внешней политики Казахстана, считает политолог \
Айгуль Сейдахметова. Президент Касым-Жомарт Токаев летит туда с большой делегацией, в неё вошли министры и главы \
национальных компаний.

По мнению эксперта, Дональд Трамп ждёт от стран Центральной Азии прежде всего доступа к редким металлам. Узбекистан и \
Шавкат Мирзиёев предложат своё, Кыргызстан и Садыр Жапаров – гидроэнергетику. Астане важнее поправка Джексона – \
Вэника, \
которая мешает торговле с 1990-х годов. Россия и Китай будут следить за встречей внимательно."""

SUMMIT_EN = """\
When the five presidents of Central Asia sit down with Donald Trump in Washington on November 6, 2025, for the C5+1 \
summit, human rights will hardly be mentioned, campaigners fear. Kassym-Jomart Tokayev of Kazakhstan, Shavkat \
Mirziyoyev of Uzbekistan and Sadyr Japarov of Kyrgyzstan all head governments that jail journalists, they say.

Activists from Freedom Watch gathered outside the White House with portraits of prisoners. Russia and China never ask \
such questions, said their spokeswoman Hannah Fielding, and the United States should not stop asking them. A State \
Department official declined to comment."""

# The same numbers as in the tungsten deal, by chance.
FLOOD_EN = """\
Floods have destroyed 350 homes in the Akmola region, emergency services said. Rescuers brought 410 people to safety, \
and 900 more were told to leave the villages along the Ishim. About 30 percent of the fields around Atbasar are under \
water; 70 percent of the cattle could be saved.

Regional governor Marat Akhmetzhanov promised that families would receive money by the end of the month. \
Engineers from \
Kokshetau are strengthening the dam at Sergeyevka, which held back the spring flood. Schools in Derzhavinsk \
stay closed."""

# One publication of the statisticians, written up twice.
TRADE_RU = """\
Товарооборот Казахстана с США за девять месяцев вырос на 12,3% и достиг 3,4 млрд долларов, следует из данных Бюро \
национальной статистики. Экспорт увеличился до 1,9 млрд долларов, импорт – до 1,5 млрд долларов.

Больше всего страна продавала урана и серебра, а покупала самолёты, моторы и лекарства. «Спрос на уран будет расти», \
– полагает экономист Арман Бейсембаев. На долю соседней России по-прежнему приходится почти пятая часть торговли."""

TRADE_EN = """\
Silver and uranium pushed Kazakh exports to the United States to $1.9 billion in the first nine months, official \
figures show, as trade between the two countries rose 12.3% to $3.4 billion. Imports stood at $1.5 billion.

Tariffs have done less harm than was feared in spring, said Eldaniz Gusseinov, an analyst with Nightingale Research. \
He expects Wabtec engines and Boeing jets to weigh on the balance next year, when Air Astana takes its first \
Dreamliner."""


def _rates(language: str, dollar: str, euro: str, rouble: str, yuan: str) -> str:
    if language == "ru":
        return (
            f"Национальный банк установил официальные курсы валют. Доллар США стоит {dollar} тенге, евро – {euro} "
            f"тенге. За российский рубль дают {rouble} тенге, за китайский юань – {yuan} тенге. На утренних торгах "
            f"KASE средний курс доллара составил {dollar} тенге. В обменниках Алматы доллар покупают за {dollar} тенге."
        )
    return (
        f"Ұлттық банк валютаның ресми бағамын белгіледі. АҚШ доллары {dollar} теңге, еуро {euro} теңге тұрады. Ресей "
        f"рублі {rouble} теңге, Қытай юані {yuan} теңге болды. KASE таңғы сауда-саттығында доллардың орташа бағамы "
        f"{dollar} теңгені құрады. Алматыдағы айырбастау орындарында долларды {dollar} теңгеге сатып алады."
    )


ARTICLES = (
    Composed("tungsten-ru", "ru", "tungsten", "Соглашение по вольфраму подписали в Астане", TUNGSTEN_RU, "tungsten"),
    Composed("tungsten-en", "en", "tungsten", "Kazakhstan Signs Tungsten Deal With US Firm", TUNGSTEN_EN, "tungsten"),
    Composed("tungsten-kk", "kk", "tungsten", "Вольфрам бойынша келісім жасалды", TUNGSTEN_KK, "tungsten", 1),
    Composed("tungsten-own-en", "en", "tungsten", "US Miner Beats China to Tungsten", TUNGSTEN_OWN_EN),
    Composed("tungsten-own-ru", "ru", "water", "Хватит ли Караганде воды", TUNGSTEN_OWN_RU, day=2),
    Composed("locomotives-uz", "uz", "locomotives", "64 ta lokomotiv", LOCOMOTIVES_UZ, "locomotives", 3),
    Composed("locomotives-uz-cyrl", "uz", "locomotives", "64 та локомотив", LOCOMOTIVES_UZ_CYRILLIC, "locomotives", 3),
    Composed("locomotives-en", "en", "locomotives", "Uzbekistan Buys 64 Locomotives", LOCOMOTIVES_EN, "locomotives", 4),
    Composed("envoy-ru", "ru", "envoy", "Горман объехал Центральную Азию", ENVOY_RU, "envoy", 1),
    Composed("envoy-en", "en", "envoy", "Envoy Ends Tour of Central Asia", ENVOY_EN, "envoy", 2),
    Composed("summit-ru", "ru", "summit-politics", "Проверка саммитом", SUMMIT_RU),
    Composed("summit-en", "en", "summit-rights", "Campaigners Fear Silence on Rights", SUMMIT_EN),
    Composed("flood-en", "en", "flood", "Floods Destroy Homes in Akmola", FLOOD_EN),
    Composed("trade-ru", "ru", "trade", "Торговля с США выросла", TRADE_RU, day=5),
    Composed("trade-en", "en", "trade", "Silver Lifts Exports to America", TRADE_EN, day=5),
    Composed("rates-ru-1", "ru", "rates-1", "Курс доллара", _rates("ru", "524,31", "603,12", "6,46", "73,64")),
    Composed("rates-kk-1", "kk", "rates-1", "Доллар бағамы", _rates("kk", "524,31", "603,12", "6,46", "73,64")),
    Composed("rates-ru-2", "ru", "rates-2", "Курс доллара", _rates("ru", "526,80", "607,45", "6,51", "74,02"), day=1),
    Composed("rates-kk-2", "kk", "rates-2", "Доллар бағамы", _rates("kk", "526,80", "607,45", "6,51", "74,02"), day=1),
)

FIRE = (
    "Пожар уничтожил рынок «Дордой» в Бишкеке. Огонь вспыхнул ночью в ряду с тканями и охватил 240 контейнеров, "
    "сообщило министерство чрезвычайных ситуаций. Тушили 38 пожарных расчётов, пострадали двое сторожей. "
)
FIRE_AGAIN = (
    "В Бишкеке ночью загорелся рынок «Дордой». По данным министерства чрезвычайных ситуаций, огонь охватил 240 "
    "контейнеров с тканями, пострадали сторожа. Пламя тушили 38 расчётов, причина пожара выясняется. "
)
FORM = (
    "Средний курс доллара на утренних торгах биржи составил {0},31 тенге, сообщает пресс-служба Национального банка. "
    "Объём торгов достиг {1} млн долларов, заключено {2} сделок. Официальный курс евро – {3},40 тенге. Обменные пункты "
    "столицы покупают американскую валюту дешевле, продают дороже, говорится в обзоре финансового рынка."
)
