"""News-like texts composed by a seeded grammar: Russian, English, Kazakh and Uzbek.

A story picks a cast (persons, bodies, a town) and words of its own and keeps to them, as an article does; sentences are
patterns whose places in braces are filled again until none is left.
"""

# ruff: noqa: E501 – word lists

from __future__ import annotations

import random
import re
from dataclasses import dataclass

LANGUAGES = ("ru", "en", "kk", "uz")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words of one language: a slot of the grammar → what may stand there, and the sentence patterns."""

    slots: dict[str, tuple[str, ...]]
    sentences: tuple[str, ...]
    quotes: tuple[str, ...]


def _lexicon(slots: str, sentences: str, quotes: str) -> Lexicon:
    rows = (row.split(":", 1) for row in slots.strip().split("\n"))
    return Lexicon(
        {name.strip(): tuple(word.strip() for word in words.split("|")) for name, words in rows},
        tuple(row.strip() for row in sentences.strip().split("\n")),
        tuple(row.strip() for row in quotes.strip().split("\n")),
    )


RU = _lexicon(
    """
    first: Айдар|Марат|Виктор|Сергей|Олег|Тимур|Рустам|Пётр|Ержан|Антон|Данияр|Павел|Бахыт|Камиль|Игорь|Азамат|Кирилл
    last: Сатыбаев|Корнеев|Ли|Ибрагимов|Дроздов|Жуматов|Орлов|Каримов|Тен|Шевцов|Досанов|Мельник|Рахимов|Юсупов|Грачёв|Абдиев
    role: министр|депутат|аким области|посол|директор завода|эксперт|профессор|прокурор|глава ведомства|представитель банка|руководитель проекта|инженер|эколог|предприниматель|заместитель премьера|тренер сборной|врач|историк
    org: Минэнерго|антимонопольный комитет|Азиатский банк развития|областной суд|железнодорожная компания|Госдепартамент|комитет статистики|университет Назарбаева|мэрия столицы|Сенат|таможенная служба|горный институт|союз фермеров|национальный оператор связи|агентство по регулированию рынка|Всемирный банк|палата предпринимателей|водный комитет
    city: Астане|Алматы|Ташкенте|Бишкеке|Душанбе|Вашингтоне|Шымкенте|Караганде|Самарканде|Оше|Худжанде|Атырау|Павлодаре|Нукусе|Таразе|Костанае|Семее|Фергане|Актау|Джалал-Абаде
    time: во вторник|в понедельник|на прошлой неделе|накануне|в четверг утром|к концу квартала|весной|в прошлом году|сегодня|на днях|в ходе визита|по итогам месяца|ещё летом|в ближайшее время|после заседания|осенью
    verb: представил|поддержал|раскритиковал|утвердил|обсудил|предложил|приостановил|начал|профинансировал|пересмотрел|отложил|ускорил|описал|возглавил|проверил|согласовал|объявил|расширил|сократил|завершил|осмотрел|оспорил
    head: строительство|ремонт|поставки|закупку|проверку|модернизацию|экспорт|отбор|подготовку|аренду|охрану|изучение|приватизацию|страхование|перевозку|переработку|продажу|сертификацию|обмен|запуск|испытания|расширение|финансирование|учёт
    adj: новых|сельских|редких|пограничных|частных|водных|школьных|железнодорожных|медных|цифровых|спортивных|газовых|старых|солнечных|зерновых|научных|исторических|дорожных|арендных|молочных|горных|морских|банковских|учебных|архивных|детских|военных|торговых|лекарственных|хлопковых|урановых|ледниковых
    noun: школ|дорог|каналов|станций|вагонов|рудников|лицензий|кредитов|больниц|мостов|теплиц|договоров|складов|заводов|пастбищ|музеев|плотин|турбин|тарифов|саженцев|рейсов|датчиков|стипендий|семян|скважин|удобрений|контейнеров|кабелей|патентов|библиотек|насосов|терминалов|аэропортов|ледников|металлов|вакцин|субсидий|облигаций|грантов|полигонов
    instr: спутниковой съёмкой|общественным советом|ростом спроса|нехваткой кадров|поздним паводком|решением суда|новым законом|сменой подрядчика|зимними морозами|просьбами жителей|курсом валют|износом сетей|летней засухой|условиями займа
    unit: тысяч тонн|километров|человек|гектаров|предприятий|домов|мегаватт|заявок|рабочих мест|вагонов|литров|семей|студентов|процентов плана|кубометров
    manner: впервые|заметно|постепенно|без лишней спешки|в полном объёме|частично|за счёт бюджета|на средства инвесторов|по просьбе жителей|под контролем прокуратуры|вопреки прогнозам|досрочно|с опозданием|в два этапа|по новым правилам
    said: отметил|заявил|подчеркнул|рассказал|пояснил|уточнил|признал|напомнил
    """,
    """
    {Time} {role} {person} {verb} {object} в {city}.
    {Org} {manner} вложит в {object} {n} миллионов тенге.
    {Role} {person} {said}, что {object} связывают с {instr}.
    По данным источника, {object} затронет {n} {unit}, а {object} ещё {n}.
    {Manner} {verb} {object} и {role} {person}.
    В {city} {time} ждут {object}: на это уйдёт {n} месяцев.
    {Person} {time} {verb} {object}, хотя {org} просит сначала завершить {object}.
    Причиной задержки назвали {object} и сложности с {instr}.
    Всего за год обработано {n} {unit}, рост составил {d} процента.
    Документ предусматривает {object}, {object} и {object}.
    Раньше {object} оплачивал {org}, теперь расходы {manner} делят {n} компаний.
    Жители города {time} увидят {object} вместо {adj} {noun}.
    Специалисты {manner} изучили {n} {adj} {noun} и предложили {object}.
    """,
    """
    «Мы {manner} начинаем {object}, и {time} это почувствуют владельцы {adj} {noun}», – {said} {person}.
    «Без {adj} {noun} нельзя понять, зачем нужны {object} и {object}», – {said} {role} {person}.
    «Проблема связана с {instr}, поэтому {object} придётся вести {manner}», – {said} {person}.
    """,
)
EN = _lexicon(
    """
    first: John|Aigerim|Marcus|Helen|Peter|Dana|Robert|Sofia|Timur|Laura|Victor|Nadia|Samuel|Grace|Adam|Ruth|Colin
    last: Walker|Bennett|Sadykov|Price|Holloway|Karimov|Stone|Abenova|Fisher|Greene|Tulegenov|Marsh|Doyle|Hughes|Orozov|Keller
    role: the minister|the senator|the ambassador|a plant director|an analyst|a professor|the prosecutor|the agency head|a bank official|the project manager|an engineer|an ecologist|the deputy premier|the head coach|a surgeon|a historian|a trade envoy
    org: the energy ministry|the antitrust board|the Asian Development Bank|a regional court|the state railway|the State Department|the statistics office|the national university|city hall|the Senate|the customs service|the mining institute|a farmers' union|the grid operator|the market regulator|the World Bank|the chamber of commerce
    city: Astana|Almaty|Tashkent|Bishkek|Dushanbe|Washington|Shymkent|Karaganda|Samarkand|Osh|Khujand|Atyrau|Denver|Nukus|Houston|Taraz|Fergana|Aktau|Seattle
    time: on Tuesday|on Monday|last week|a day earlier|on Thursday morning|by the end of the quarter|in spring|last year|this week|during the visit|after the hearing|over the summer|before the vote|in early autumn|overnight
    verb: presented|backed|criticized|approved|discussed|proposed|suspended|launched|financed|reviewed|postponed|hastened|described|led|inspected|negotiated|announced|widened|trimmed|completed|toured|challenged
    head: construction|repair|supply|purchase|inspection|renewal|export|selection|preparation|leasing|protection|study|privatization|insurance|transport|processing|sale|certification|exchange|launch|testing|expansion|funding|registration
    adj: new|rural|rare|border|private|school|railway|copper|digital|sports|gas|aging|solar|wheat|research|historic|mountain|dairy|offshore|banking|training|archival|pediatric|military|retail|medicinal|cotton|uranium|glacier|freight
    noun: schools|roads|canals|stations|wagons|mines|licenses|loans|hospitals|bridges|greenhouses|contracts|warehouses|plants|pastures|museums|dams|turbines|tariffs|seedlings|flights|sensors|scholarships|seeds|wells|fertilizers|containers|cables|patents|libraries|pumps|terminals|airports|minerals|vaccines|subsidies|bonds|grants|landfills
    instr: satellite images|a public council|rising demand|a shortage of staff|late floods|a court ruling|the new law|a change of contractor|winter frosts|residents' petitions|currency swings|worn networks|the summer drought|the terms of the loan
    unit: tonnes|miles|people|acres|companies|homes|megawatts|applications|jobs|railcars|liters|families|students|cubic meters|vehicles
    manner: for the first time|noticeably|gradually|without haste|in full|in part|at public expense|with private money|at the residents' request|against forecasts|ahead of schedule|with some delay|in two stages|under revised rules
    said: said|noted|stressed|explained|added|admitted|recalled|argued
    """,
    """
    {Time}, {role} {person} {verb} the {object} in {city}.
    {Org} will {manner} put {n} million dollars into the {object}.
    {Role}, {person}, {said} that the {object} had been tied to {instr}.
    Sources expect the {object} to affect {n} {unit} and the {object} another {n}.
    {Person} {verb} the {object} {manner}.
    People in {city} await the {object} {time}: it takes {n} months.
    {Person} {verb} the {object} {time}, though {org} asks to finish the {object} first.
    Delays were blamed on the {object} and on {instr}.
    In all, {n} {unit} were handled over the year, a rise of {d} percent.
    The paper covers {object}, {object} and {object}.
    {Org} used to pay for the {object}; now {n} firms share the bill {manner}.
    Residents will see the {object} {time} instead of {adj} {noun}.
    Experts looked {manner} at {n} {adj} {noun} and suggested the {object}.
    """,
    """
    “We're starting the {object} {manner}, and owners of {adj} {noun} will feel it {time},” {person} {said}.
    “Without {adj} {noun} nobody understands why {object} and {object} matter,” {person} {said}.
    “It's a matter of {instr}, so the {object} must go on {manner},” {said} {person}.
    """,
)
KK = _lexicon(
    """
    first: Ерлан|Айгүл|Нұрлан|Серік|Дәурен|Гүлнәр|Асқар|Бауыржан|Жанар|Қанат|Мәдина|Олжас|Самат|Шолпан
    last: Әбенов|Жұмабаев|Сейітов|Қасымов|Төлегенова|Оразбаев|Мұқанов|Бекетова|Ысқақов|Нұрпейісов|Дәулетов|Қуанышев
    role: министр|депутат|облыс әкімі|елші|зауыт директоры|сарапшы|профессор|прокурор|ведомство басшысы|банк өкілі|жоба жетекшісі|инженер|эколог|кәсіпкер|бапкер|дәрігер|тарихшы
    org: Энергетика министрлігі|Ұлттық банк|облыстық сот|теміржол компаниясы|Мемлекеттік департамент|статистика бюросы|қала әкімдігі|Сенат|кеден қызметі|тау-кен институты|фермерлер одағы|байланыс операторы|Дүниежүзілік банк|кәсіпкерлер палатасы
    city: Астанада|Алматыда|Ташкентте|Бішкекте|Вашингтонда|Шымкентте|Қарағандыда|Самарқанда|Атырауда|Павлодарда|Таразда|Қостанайда|Семейде|Ақтауда|Түркістанда
    time: сейсенбіде|дүйсенбіде|өткен аптада|кеше|бейсенбі күні|тоқсан соңында|көктемде|былтыр|бүгін|жақында|сапар барысында|ай қорытындысында|жазда|отырыстан кейін|күзде
    verb: таныстырды|қолдады|сынға алды|бекітті|талқылады|ұсынды|тоқтатты|бастады|қаржыландырды|қайта қарады|кейінге қалдырды|жеделдетті|тексерді|жариялады|кеңейтті|қысқартты|аяқтады|аралап көрді
    head: құрылысын|жөндеуін|жеткізілімін|сатып алуын|тексерілуін|жаңғыртылуын|экспортын|іріктеуін|дайындығын|жалға берілуін|қорғалуын|зерттелуін|жекешелендірілуін|сақтандырылуын|тасымалын|өңделуін|сатылуын|алмасуын
    adj: жаңа|ауылдық|сирек|шекаралық|жеке|мектеп|теміржол|мыс|цифрлық|спорт|газ|ескі|күн|астық|ғылыми|тарихи|жол|сүт|таулы|теңіз|банк|мұрағат|балалар|әскери|сауда|мақта|уран
    noun: мектептердің|жолдардың|каналдардың|станциялардың|вагондардың|кеніштердің|лицензиялардың|несиелердің|ауруханалардың|көпірлердің|жылыжайлардың|келісімдердің|қоймалардың|зауыттардың|жайылымдардың|музейлердің|бөгеттердің|турбиналардың|тарифтердің|көшеттердің|рейстердің|ұңғымалардың|тыңайтқыштардың|контейнерлердің|кабельдердің|кітапханалардың|сорғылардың|әуежайлардың|мұздықтардың|металдардың
    instr: жерсерік түсірілімімен|сұраныстың өсуімен|маман тапшылығымен|су тасқынымен|сот шешімімен|жаңа заңмен|мердігердің ауысуымен|қысқы аязбен|тұрғындардың өтінішімен|валюта бағамымен|желінің тозуымен|жазғы құрғақшылықпен
    unit: тонна|шақырым|адам|гектар|кәсіпорын|үй|мегаватт|өтінім|жұмыс орны|вагон|литр|отбасы|студент|текше метр
    manner: алғаш рет|біртіндеп|асықпай|толық көлемде|ішінара|бюджет есебінен|инвесторлар қаражатына|тұрғындардың өтінішімен|болжамға қарамастан|мерзімінен бұрын|кешігіп|екі кезеңде|жаңа ережемен
    said: деді|деп атап өтті|деп мәлімдеді|деп түсіндірді|деп қосты|деп мойындады
    """,
    """
    {Time} {city} {role} {person} {object} {verb}.
    {Org} {object} {manner} {n} миллион теңге бөледі.
    {Role} {person} {object} {instr} байланыстырды.
    {Object} {n} {unit}, ал {object} тағы {n} {unit} күтіп отыр.
    {Person} {time} {object} {manner} {verb}.
    {City} {object} {n} айда бітірмек.
    {Person} {object} {verb}, ал {org} {object} {time} сұрады.
    Кідіріс {adj} {noun} жайымен және {instr} түсіндіріледі.
    Бір жылда {n} {unit} өңделді, өсім {d} пайыз болды.
    Құжат {object}, {object} және {object} қамтиды.
    Мамандар {n} {adj} {noun} жайын {manner} зерттеп, {object} ұсынды.
    """,
    """
    «Біз {object} {manner} бастаймыз, мұны {time} {adj} {noun} иелері сезеді», – {said} {person}.
    «{Adj} {noun} жайын білмей, {object} түсіну қиын», – {said} {role} {person}.
    «Мәселе {instr} байланысты, сондықтан {object} {manner} жүргіземіз», – {said} {person}.
    """,
)
UZ = _lexicon(
    """
    first: Alisher|Dilnoza|Bobur|Jasur|Malika|Otabek|Sardor|Nodira|Rustam|Shahnoza|Ulugʻbek|Zafar|Gulnora|Sherzod
    last: Karimov|Yoʻldoshev|Rahimova|Toʻraev|Ismoilov|Gʻaniyev|Saidova|Normatov|Qodirov|Ergashev|Xolmatova|Mirzayev
    role: vazir|deputat|viloyat hokimi|elchi|zavod direktori|ekspert|professor|prokuror|idora rahbari|bank vakili|loyiha rahbari|muhandis|ekolog|tadbirkor|murabbiy|shifokor|tarixchi
    org: Energetika vazirligi|Markaziy bank|viloyat sudi|temir yoʻl kompaniyasi|Davlat departamenti|statistika qoʻmitasi|shahar hokimligi|Senat|bojxona xizmati|konchilik instituti|fermerlar uyushmasi|aloqa operatori|Jahon banki|savdo palatasi
    city: Toshkentda|Samarqandda|Buxoroda|Nukusda|Fargʻonada|Andijonda|Vashingtonda|Ostonada|Almatida|Bishkekda|Dushanbeda|Xivada|Navoiyda|Qarshida|Termizda
    time: seshanba kuni|dushanba kuni|oʻtgan hafta|kecha|payshanba tongida|chorak oxirida|bahorda|oʻtgan yili|bugun|yaqinda|tashrif chogʻida|oy yakunida|yozda|yigʻilishdan soʻng|kuzda
    verb: taqdim etdi|qoʻllab-quvvatladi|tanqid qildi|tasdiqladi|muhokama qildi|taklif etdi|toʻxtatdi|boshladi|moliyalashtirdi|qayta koʻrib chiqdi|kechiktirdi|tezlashtirdi|tekshirdi|eʼlon qildi|kengaytirdi|qisqartirdi|yakunladi|borib koʻrdi
    head: qurilishini|taʼmirini|yetkazilishini|xaridini|tekshiruvini|yangilanishini|eksportini|tanlovini|tayyorgarligini|ijarasini|himoyasini|oʻrganilishini|xususiylashtirilishini|sugʻurtasini|tashilishini|qayta ishlanishini|sotuvini|almashinuvini
    adj: yangi|qishloq|noyob|chegara|xususiy|maktab|temir yoʻl|mis|raqamli|sport|gaz|eski|quyosh|gʻalla|ilmiy|tarixiy|sut|togʻ|dengiz|bank|arxiv|bolalar|harbiy|savdo|paxta|uran
    noun: maktablarning|yoʻllarning|kanallarning|stansiyalarning|vagonlarning|konlarning|litsenziyalarning|kreditlarning|shifoxonalarning|koʻpriklarning|issiqxonalarning|shartnomalarning|omborlarning|zavodlarning|yaylovlarning|muzeylarning|toʻgʻonlarning|turbinalarning|tariflarning|koʻchatlarning|reyslarning|quduqlarning|oʻgʻitlarning|konteynerlarning|kabellarning|kutubxonalarning|nasoslarning|aeroportlarning|muzliklarning|metallarning
    instr: sunʼiy yoʻldosh suratlari|talab oʻsishi|kadrlar yetishmasligi|kechki toshqin|sud qarori|yangi qonun|pudratchi almashishi|qishki sovuqlar|aholi murojaatlari|valyuta kursi|tarmoq eskirishi|yozgi qurgʻoqchilik
    unit: tonna|kilometr|kishi|gektar|korxona|uy|megavatt|ariza|ish oʻrni|vagon|litr|oila|talaba|kub metr
    manner: ilk bor|asta-sekin|shoshilmasdan|toʻliq hajmda|qisman|byudjet hisobidan|investorlar mablagʻiga|aholi iltimosi bilan|bashoratga qaramay|muddatidan avval|kechikib|ikki bosqichda|yangi qoidalar bilan
    said: dedi|deb taʼkidladi|deb maʼlum qildi|deb tushuntirdi|deb qoʻshimcha qildi|deb tan oldi
    """,
    """
    {Time} {city} {role} {person} {object} {verb}.
    {Org} {object} {manner} {n} million soʻm ajratadi.
    {Role} {person} {object} {instr} bilan bogʻladi.
    {Object} {n} {unit}, {object} esa yana {n} {unit} kutmoqda.
    {Person} {time} {object} {manner} {verb}.
    {City} {object} {n} oyda tugatmoqchi.
    {Person} {object} {verb}, {org} esa {object} {time} soʻradi.
    Kechikish {adj} {noun} holati va {instr} bilan izohlanadi.
    Bir yilda {n} {unit} qayta ishlandi, oʻsish {d} foiz boʻldi.
    Hujjat {object}, {object} va {object} qamrab oladi.
    Mutaxassislar {n} {adj} {noun} holatini {manner} oʻrganib, {object} taklif qildi.
    """,
    """
    «Biz {object} {manner} boshlaymiz, buni {time} {adj} {noun} egalari sezadi», – {said} {person}.
    «{Adj} {noun} holatini bilmay, {object} tushunish qiyin», – {said} {role} {person}.
    «Masala {instr} bilan bogʻliq, shuning uchun {object} {manner} olib boramiz», – {said} {person}.
    """,
)
LEXICONS = {"ru": RU, "en": EN, "kk": KK, "uz": UZ}
# What sites put around an article; {name} is an outlet, {town} and {d} a place and a day.
PHRASES = {
    "ru": {
        "footer": "Подписывайтесь на наш канал в Telegram и узнавайте новости первыми.|Если вы нашли ошибку, выделите её и нажмите Ctrl+Enter.|При использовании материалов ссылка на сайт обязательна.|Читайте также: почему дорожают квартиры и кто получит льготы.|Мнение редакции может не совпадать с мнением автора.",
        "credit": "Фото: пресс-служба|Автор: редакция новостей|Источник: ИА «Хабарчы»|Текст подготовлен по сообщениям агентств",
        "wrap": "Об этом сообщает издание «{name}».|Как передаёт «{name}» со ссылкой на собственные источники, подробности таковы.|Корреспондент «{name}» собрал главное к этому часу.",
        "dateline": "{town}, {d} мая – «{name}»|{town}. {d} ноября. {name} –|{d}.06.2025, {town}, {name}",
        "background": "Напомним, ранее сообщалось о похожем случае.",
        "units": "градуса|очка|процента|тенге",
    },
    "en": {
        "footer": "Subscribe to our newsletter to get the top stories every morning.|Spotted a mistake? Select the text and press Ctrl+Enter.|No part of this page may be reproduced without a link to the site.|Read also: why flats get dearer and who will be exempt.|Opinions of columnists are their own.",
        "credit": "Photo: press service|By our news desk|Source: Harborline News|Compiled from agency reports",
        "wrap": "This is reported by {name}.|According to {name}, which cites sources of its own, the details are as follows.|A {name} correspondent has gathered what is known by now.",
        "dateline": "{town}, May {d} ({name}) –|{town}. November {d}. {name} –|06/{d}/2025, {town}, {name}",
        "background": "As reported earlier, a similar case was heard before.",
        "units": "degrees|points|percent|tenge",
    },
    "kk": {
        "footer": "Telegram арнамызға жазылып, жаңалықтарды бірінші болып біліңіз.|Қате тапсаңыз, мәтінді белгілеп, Ctrl+Enter басыңыз.|Материалды пайдаланғанда сайтқа сілтеме міндетті.|Тағы оқыңыз: пәтер бағасы неге өсті және кім жеңілдік алады.",
        "credit": "Фото: баспасөз қызметі|Автор: жаңалықтар бөлімі|Дереккөз: «Хабаршы» агенттігі",
        "wrap": "Бұл туралы «{name}» басылымы хабарлады.|«{name}» тілшісі өз дереккөздеріне сүйеніп, мынаны жеткізді.",
        "dateline": "{town}, {d} мамыр – «{name}»|{town}. {d} қараша. {name} –",
        "background": "Еске салайық, бұған дейін ұқсас жағдай туралы хабарланған еді.",
        "units": "градус|ұпай|пайыз|теңге",
    },
    "uz": {
        "footer": "Telegram kanalimizga obuna boʻling va yangiliklarni birinchi boʻlib biling.|Xato topsangiz, matnni belgilab, Ctrl+Enter tugmasini bosing.|Materialdan foydalanganda saytga havola berilishi shart.|Yana oʻqing: uylar nega qimmatladi va kim imtiyoz oladi.",
        "credit": "Foto: matbuot xizmati|Muallif: yangiliklar boʻlimi|Manba: «Xabarchi» agentligi",
        "wrap": "Bu haqda «{name}» nashri xabar berdi.|«{name}» muxbiri oʻz manbalariga tayanib, quyidagilarni yetkazdi.",
        "dateline": "{town}, {d}-may – «{name}»|{town}. {d}-noyabr. {name} –",
        "background": "Eslatib oʻtamiz, avvalroq shunga oʻxshash holat haqida xabar berilgan edi.",
        "units": "daraja|ochko|foiz|soʻm",
    },
}  # fmt: skip
_SLOT = re.compile(r"\{(\w+)\}")


class Story:
    """One story's words: whatever is composed by one of these hangs together."""

    def __init__(self, rng: random.Random, language: str) -> None:
        """Pick the cast and the words that come back."""
        self._rng = rng
        self._lexicon = LEXICONS[language]
        self._english = language == "en"
        own = {"org": 4, "city": 2, "adj": 14, "noun": 18, "head": 12, "role": 5, "instr": 4, "unit": 6}
        own |= {"time": 4, "manner": 4, "verb": 8, "said": 3}
        slots = self._lexicon.slots
        self._sentences = rng.sample(self._lexicon.sentences, 6)
        self._names = [_name(rng, cyrillic=language in ("ru", "kk")) for _ in range(8)]
        self._own = {name: rng.sample(slots[name], min(count, len(slots[name]))) for name, count in own.items()}
        self._persons = [f"{rng.choice(slots['first'])} {rng.choice(slots['last'])}" for _ in range(4)]

    def headline(self) -> str:
        """A line without a full stop."""
        return self.sentence().rstrip(".")[:110]

    def sentence(self) -> str:
        """One statement."""
        return self._filled(self._rng.choice(self._sentences))

    def quote(self) -> str:
        """Somebody's words, some 15 to 30 of them."""
        return self._filled(self._rng.choice(self._lexicon.quotes))

    def paragraph(self) -> str:
        """Two to four sentences, now and then a quote."""
        parts = [self.sentence() for _ in range(self._rng.randint(2, 4))]
        if self._rng.random() < 0.25:
            parts.append(self.quote())
        return " ".join(parts)

    def paragraphs(self, words: int) -> list[str]:
        """Paragraphs of about so many words in all."""
        found: list[str] = []
        while sum(len(paragraph.split()) for paragraph in found) < words:
            found.append(self.paragraph())
        return found

    def _filled(self, pattern: str) -> str:
        while (filled := _SLOT.sub(self._fill, pattern, count=1)) != pattern:
            pattern = filled
        return pattern

    def _fill(self, match: re.Match[str]) -> str:
        name = match[1]
        text = self._word(name.lower())
        return text[0].upper() + text[1:] if name[0].isupper() else text

    def _word(self, slot: str) -> str:
        rng = self._rng
        if slot == "n":
            return str(rng.choice((rng.randint(2, 99), rng.randint(100, 999), rng.randint(1001, 99999))))
        if slot == "d":
            return f"{rng.randint(1, 60)}{'.' if self._english else ','}{rng.randint(1, 9)}"
        if slot == "person":
            return rng.choice(self._persons)
        if slot == "object":
            head, adj, noun = (rng.choice(self._own[name]) for name in ("head", "adj", "noun"))
            name = rng.choice(self._names)
            if self._lexicon is RU:
                return f"{head} {adj} {noun} «{name}»"
            return f"{name} {head} of {adj} {noun}" if self._english else f"«{name}» {adj} {noun} {head}"
        return rng.choice(self._own.get(slot) or self._lexicon.slots[slot])


def _name(rng: random.Random, *, cyrillic: bool) -> str:
    """A place or firm that no other story has."""
    syllables = (
        "кара бул су так мир ай дос кен тау нур жет саз гор вел лим рон"
        if cyrillic
        else ("kara bul su tak mir ai dos ken tau nur jet saz gor vel lim ron")
    )
    return "".join(rng.choices(syllables.split(), k=3)).capitalize()


def compose(rng: random.Random, language: str) -> list[str]:
    """An article of 150 to 700 words: a headline, then paragraphs."""
    story = Story(rng, language)
    return [story.headline(), *story.paragraphs(rng.choice((150, 200, 250, 300, 400, 550, 680)))]
