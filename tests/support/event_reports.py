"""Events told by outlets in five languages, each in its own words, and articles on like subjects that report others.

Nothing here is translated: outlets pick what their readers care for, round, and leave out. `day` counts from a first one.
"""

# ruff: noqa: E501 – articles

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Told:
    """One article: its event, language, day, headline and text."""

    event: str
    language: str
    day: int
    title: str
    text: str


def _told(block: str) -> tuple[Told, ...]:
    told = []
    for part in block.strip().split("\n\n"):
        head, title, text = part.strip().split("\n", 2)
        event, language, day = head.split()
        told.append(Told(event, language, int(day), title.strip(), text.replace("\n", " ").strip()))
    return tuple(told)


REPORTS = _told("""
dam ru 0
Плотина в Баткене не выдержала паводка
Ночью в Баткенской области Кыргызстана прорвало плотину небольшого водохранилища Торт-Кёль. Вода смыла мост и залила 120 домов в селе Самаркандек, двое жителей погибли. Спасатели МЧС эвакуировали более 600 человек, в школе развёрнут пункт обогрева. Причиной назвали сильные дожди и износ шлюзов.

dam en 1
Two Dead as Reservoir Dam Fails in Southern Kyrgyzstan
Heavy rain brought down a dam in Kyrgyzstan's Batken province overnight, killing two people and flooding the village of Samarkandek. Rescuers moved about 600 residents to a school, and the only bridge across the river was washed away. Officials blamed worn-out gates at the Tort-Kul reservoir.

dam ky 1
Баткенде суу сактагычтын тосмосу жырылды
Баткен облусунда Төрт-Көл суу сактагычынын тосмосу бузулуп, Самаркандек айылындагы 120 үйдү суу каптады. Эки адам каза болду, көпүрөнү суу агызып кетти. Куткаруучулар 600дөн ашуун тургунду мектепке көчүрдү. Кырсыкка нөшөрлөгөн жамгыр себеп болгону айтылды.

dam ru 1
Баткен: после прорыва водохранилища пропал скот и разрушены дома
Жители села Самаркандек разбирают завалы после того, как ушла вода из Торт-Кёля. Погибли два человека, без крова остались более ста семей. По словам акима района, шлюзы плотины не ремонтировали двенадцать лет. Правительство обещает построить новый мост до осени.

reactor ru 3
Казатомпром продал уран для реактора в Вайоминге
Казахстанская компания договорилась с американской TerraPower о поставках топлива для опытного реактора Natrium в штате Вайоминг. Контракт рассчитан на восемь лет, первая партия в 200 тонн уйдёт в 2027 году через порт Актау. Стоимость стороны не раскрыли.

reactor kk 3
Қазақ ураны Вайомингтегі реакторға жөнелтіледі
Ұлттық атом компаниясы америкалық TerraPower фирмасымен сегіз жылдық келісімшартқа қол қойды. Құжат бойынша Вайоминг штатында салынып жатқан Natrium реакторына отын жеткізіледі. Алғашқы жүк Ақтау порты арқылы 2027 жылы шығады, бағасы құпия.

reactor en 4
Kazakh Miner to Fuel Gates-Backed Reactor
TerraPower has signed an eight-year contract for uranium from Kazakhstan to feed its Natrium reactor in Wyoming. The first cargo, about 200 tons, is due to leave the Caspian port of Aktau in 2027. Neither company would discuss the price.

reactor kk 4
TerraPower Қазақстаннан отын сатып алады
Билл Гейтс қолдайтын TerraPower компаниясы Вайомингтегі тәжірибелік реакторға Қазақстан уранын алатын болды. Екі жүз тонналық бірінші партия 2027 жылға жоспарланған, ол Каспий арқылы өтеді. Сарапшылар бұл мәмілені америкалық нарыққа жол ашты деп бағалайды.

visa ru 0
США вернули узбекистанцам пятилетние визы
Посольство США в Ташкенте объявило, что туристические и деловые визы гражданам Узбекистана снова будут выдавать на пять лет. Правило действует с 1 декабря. Консул Меган Роуз рассказала, что сбор останется прежним, 185 долларов, а очередь на собеседование сократилась до трёх недель.

visa uz 0
AQSh oʻzbekistonliklarga besh yillik viza beradi
AQShning Toshkentdagi elchixonasi Oʻzbekiston fuqarolariga turistik va ishbilarmonlik vizalari yana besh yilga berilishini maʼlum qildi. Qoida 1-dekabrdan amal qiladi. Konsul Megan Rouzning aytishicha, yigʻim 185 dollar boʻlib qoladi, suhbat uchun navbat esa uch haftaga qisqardi.

visa en 1
Uzbeks Get Five-Year American Visas Again
Citizens of Uzbekistan can once more receive five-year business and tourist visas to the United States, the embassy in Tashkent said. The change takes effect on December 1. Waiting times for an interview have fallen to three weeks, according to consul Megan Rose.

visa ru 1
Сколько стоит и как получить пятилетнюю визу США в Ташкенте
С декабря заявители из Узбекистана могут рассчитывать на многократную американскую визу сроком на пять лет вместо одного года. Платить придётся те же 185 долларов. На собеседование в посольстве записывают в среднем через три недели. Документы подают через сайт консульской службы.

bank kk 2
Банк экс-басшысы он жылға сотталды
Астана соты «Сарыарқа Банктің» бұрынғы басшысы Дәурен Мұқановты он жылға бас бостандығынан айырды. Прокурордың айтуынша, ол 41 миллиард теңге несиені жалған компанияларға берген. Мұқанов кінәсін мойындаған жоқ, қорғаушысы шағым түсірмек.

bank ru 2
Экс-глава «Сарыарка Банка» получил десять лет
Суд Астаны приговорил бывшего председателя правления «Сарыарка Банка» Даурена Муканова к десяти годам тюрьмы. По версии прокуратуры, он выдал фирмам-пустышкам кредиты на 41 миллиард тенге. Муканов вину не признал, адвокат обещает обжаловать приговор.

glacier en 5
Scientists Drill Pamir Glacier for a Thousand Years of Climate
A Swiss and Tajik expedition has drilled 105 metres into the Kon Chukurbashi glacier in the Pamirs, bringing out ice that may record a thousand years of climate. The cores will go to a laboratory in Sapporo and to a store in Antarctica. Helicopters of Tajikistan's defence ministry carried the equipment.

glacier ru 5
На Памире добыли керн из ледника возрастом тысячу лет
Таджикские и швейцарские учёные завершили экспедицию на ледник Кон-Чукурбаши. Они пробурили 105 метров льда: керн расскажет о климате за тысячу лет. Часть отправят в лабораторию в Саппоро, часть – в хранилище в Антарктиде. Оборудование доставили вертолёты министерства обороны Таджикистана.

glacier uz 6
Pomir muzligidan ming yillik muz olindi
Tojikiston va Shveytsariya olimlari Pomirdagi Kon-Chukurboshi muzligida 105 metr chuqurlikkacha burgʻiladi. Muz namunalari ming yillik iqlim haqida maʼlumot beradi, ular Sapporodagi laboratoriyaga joʻnatiladi. Ekspeditsiya jihozlarini vertolyotlar olib chiqdi.

glacier en 6
Ice From a Tajik Glacier Starts a Journey to Japan
Two long cores of ice from Kon Chukurbashi, a glacier 5,800 metres up in the Pamirs, are on the way to Sapporo. Researchers from Switzerland and Tajikistan hope to read ten centuries of weather in them; a third core is meant for an Antarctic vault.

locust kk 7
Қостанайда шегірткеге қарсы дрон ұшырылды
Қостанай облысында италиялық шегіртке көбейді. Ауыл шаруашылығы министрлігі 340 мың гектар алқапты өңдеуге АҚШ-та жасалған 25 дрон сатып алды. Фермерлер бидайдың үштен бірі зардап шекті дейді.

locust en 8
Kazakhstan Sends American Drones Against Locusts
Twenty-five spraying drones bought in the United States have gone to work over Kostanay, where Italian locusts threaten the wheat harvest. The agriculture ministry plans to treat 340,000 hectares. Farmers say that a third of the crop is already damaged.

film ru 4
Фильм о чабанах Нарына взял приз в Торонто
Картина кыргызского режиссёра Айгуль Бакановой «Перевал» получила приз зрительских симпатий на кинофестивале в Торонто. Это история трёх чабанов из Нарына, снятая за 40 дней. Прокат в США купила компания Kino Lorber.

film ky 4
«Ашуу» тасмасы Торонтодо сыйлык алды
Айгүл Баканованын «Ашуу» тасмасы Торонтодогу кинофестивалда көрүүчүлөрдүн сыйлыгын жеңип алды. Фильм нарындык үч чабан тууралуу, ал 40 күндө тартылган. АҚШта тасманы Kino Lorber компаниясы көрсөтөт.

film en 5
Kyrgyz Shepherd Drama Wins Toronto Audience Prize
"The Pass", a film by Aigul Bakanova about three shepherds in Naryn, has won the audience award at the Toronto festival. Kino Lorber bought the rights for the United States. The director shot it in 40 days with no professional actors.

port ru 6
В Курыке начали строить терминал для зерна
В порту Курык заложили зерновой терминал мощностью полтора миллиона тонн. Половину из 90 миллионов долларов даёт американская корпорация DFC, остальное – компания Semurg Invest. Пшеница пойдёт через Баку и Поти.

port kk 6
Құрықта астық терминалы салынады
Құрық портында жылына бір жарым миллион тонна астық өткізетін терминалдың құрылысы басталды. Жобаға 90 миллион доллар жұмсалады, жартысын америкалық DFC корпорациясы береді. Бидай Баку мен Поти арқылы тасымалданады.

port ru 7
Зерно пойдёт морем: на Каспии появится новый терминал
Компания Semurg Invest начала стройку в порту Курык. Терминал сможет отгружать до полутора миллионов тонн пшеницы в год, половину денег даёт американская DFC. Экспортёры надеются на рынки Кавказа и Европы: зерно повезут через Баку и грузинский Поти.

one1 ru 0
Селевой поток перекрыл трассу в Ошской области
Сель сошёл на дорогу Ош – Иркештам, движение закрыто. Техника расчищает участок, пострадавших нет. В МЧС рассчитывают открыть трассу к вечеру.

one2 en 3
Wyoming Delegation Visits Astana to Talk Ranching
State lawmakers from Wyoming spent a week in Kazakhstan looking at cattle farms and feedlots. They signed a memorandum with the agriculture ministry on breeding stock. A return visit is planned for spring.

one3 kk 1
АҚШ елшілігі Алматыда студенттерге жәрмеңке өткізді
АҚШ-тың Алматыдағы бас консулдығы отыз университет қатысқан білім жәрмеңкесін ұйымдастырды. Жастар грант пен виза туралы сұрады. Шараға екі мыңнан астам адам келді.

one4 ru 2
Суд в Алматы вынес приговор бывшему директору музея
Бывшего директора исторического музея приговорили к трём годам за продажу двух картин. Экспонаты нашли в частной коллекции. Осуждённая просила прощения и признала вину.

one5 uz 5
Tojikiston va Oʻzbekiston suv ombori boʻyicha kelishdi
Ikki davlat energetika vazirlari Dushanbeda uchrashib, Bahri Tojik suv omborining yozgi rejimini kelishib oldi. Hujjatga koʻra suv iyun oyidan chiqariladi.

one6 en 7
Drone Maker Opens a Workshop in Tashkent
An Arizona company will assemble small survey drones in Tashkent with a local partner. The workshop employs forty people and expects its first order from the geology committee.

one7 ru 7
В Костанайской области собрали рекордный урожай льна
Аграрии области намолотили 300 тысяч тонн льна. Половину продали в Китай и Бельгию. В министерстве ждут такого же урожая и в следующем году.

one8 ky 4
Нарында чабандар үчүн мектеп ачылды
Нарын облусунда жаш чабандар үчүн курс ачылды. Окуу үч айга созулат, бүтүрүүчүлөргө айыл чарба министрлиги кой берет.

one9 ru 6
Грузовое судно село на мель у порта Актау
Сухогруз с металлом сел на мель в двух милях от Актау из-за шторма. Экипаж не пострадал, буксиры ждут, когда стихнет ветер. Утечки топлива нет.

one10 en 4
Toronto Gallery Shows Kazakh Felt
A gallery in Toronto has opened a show of felt carpets from Almaty. The curator spent two years collecting forty works from village craftswomen.
""")
