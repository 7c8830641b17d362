"""Forms that newsrooms fill in: protocol (who was congratulated, who took office) and figures (rates, fuel, weather).

A form's places in braces are filled from one row of a table, so that a person goes with a country; `#` stands for a
digit. Persons, dates and figures are made up.
"""

# ruff: noqa: E501 – word lists

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """A form with the rows that fill it; without rows, its figures alone change."""

    pattern: str
    rows: Sequence[Mapping[str, str]] = ({},)

    def filled(self, rng: random.Random, count: int) -> list[str]:
        """So many different texts of the form, each of another row where there are rows."""
        rows = rng.sample(list(self.rows), min(count, len(self.rows))) if len(self.rows) > 1 else [{}] * count
        return [re.sub("#", lambda _: str(rng.randint(1, 9)), self.pattern.format_map(row)) for row in rows]


def _rows(keys: str, table: str) -> tuple[Mapping[str, str], ...]:
    names = keys.split()
    return tuple(
        dict(zip(names, (cell.strip() for cell in line.split("|")), strict=True)) for line in table.strip().split("\n")
    )


_RU = _rows(
    "of who to whose with town",
    """
    Турции | Мехмет Арслан | Мехмету Арслану | Мехмета Арслана | Мехметом Арсланом | Анкаре
    США | Ричард Холлоуэй | Ричарду Холлоуэю | Ричарда Холлоуэя | Ричардом Холлоуэем | Вашингтоне
    Италии | Паоло Ренци | Паоло Ренци | Паоло Ренци | Паоло Ренци | Риме
    Японии | Кэндзи Морита | Кэндзи Морите | Кэндзи Мориты | Кэндзи Моритой | Токио
    Бразилии | Жоау Перейра | Жоау Перейре | Жоау Перейры | Жоау Перейрой | Бразилиа
    Венгрии | Иштван Надь | Иштвану Надю | Иштвана Надя | Иштваном Надем | Будапеште
    """,
)
_EN = _rows(
    "of who town",
    """
    Turkiye | Mehmet Arslan | Ankara
    the United States | Richard Holloway | Washington
    Italy | Paolo Renzi | Rome
    Japan | Kenji Morita | Tokyo
    Brazil | Joao Pereira | Brasilia
    Hungary | Istvan Nagy | Budapest
    """,
)
_KK = _rows(
    "of who to with town",
    """
    Түркия | Мехмет Арслан | Мехмет Арсланға | Мехмет Арсланмен | Анкарада
    АҚШ | Ричард Холлоуэй | Ричард Холлоуэйге | Ричард Холлоуэймен | Вашингтонда
    Италия | Паоло Ренци | Паоло Ренциге | Паоло Ренцимен | Римде
    Жапония | Кэндзи Морита | Кэндзи Моритаға | Кэндзи Моритамен | Токиода
    Бразилия | Жоау Перейра | Жоау Перейраға | Жоау Перейрамен | Бразилиада
    """,
)
_UZ = _rows(
    "of who to with town",
    """
    Turkiya | Mehmet Arslan | Mehmet Arslanga | Mehmet Arslan bilan | Anqarada
    AQSh | Richard Xolloey | Richard Xolloeyga | Richard Xolloey bilan | Vashingtonda
    Italiya | Paolo Rensi | Paolo Rensiga | Paolo Rensi bilan | Rimda
    Yaponiya | Kendzi Morita | Kendzi Moritaga | Kendzi Morita bilan | Tokioda
    Braziliya | Joao Pereyra | Joao Pereyraga | Joao Pereyra bilan | Braziliada
    """,
)

PROTOCOL: Mapping[str, tuple[Form, ...]] = {
    "ru": (
        Form(
            "Глава государства Данияр Омаров поздравил президента {of} {whose} с днём рождения.\n"
            "В поздравлении сказано, что за последние годы сотрудничество двух стран вышло на новый уровень, а политический диалог стал по-настоящему доверительным.\n"
            "Омаров пожелал {to} крепкого здоровья, счастья и новых свершений, а народу {of} – процветания.",
            _RU,
        ),
        Form(
            "Президент Данияр Омаров принял верительные грамоты у посла {of} {whose}.\n"
            "На церемонии во дворце глава государства отметил, что страна придаёт большое значение укреплению связей, и назвал приоритетами торговлю, транспорт, образование и туризм.\n"
            "Президент пожелал послу успехов в предстоящей работе и выразил уверенность, что он внесёт весомый вклад в развитие дружественных отношений.\n"
            "Новый посол поблагодарил за тёплый приём и передал приветствие руководства {of}.",
            _RU,
        ),
        Form(
            "Состоялся телефонный разговор министра иностранных дел Ерлана Тулегенова с министром иностранных дел {of} {with}.\n"
            "Стороны рассмотрели ход выполнения достигнутых договорённостей, обсудили график предстоящих встреч и обменялись мнениями о положении в регионе.\n"
            "Собеседники подтвердили взаимную заинтересованность в расширении экономических связей и договорились продолжить контакты.",
            _RU,
        ),
        Form(
            "Указом главы государства {who} назначен послом в {town} с освобождением от прежней должности.\n"
            "Соответствующий документ опубликован на сайте администрации. До нового назначения он работал в центральном аппарате министерства, занимал должности советника и директора департамента.\n"
            "Владеет несколькими иностранными языками, женат, воспитывает детей, награждён орденом.",
            _RU,
        ),
        Form(
            "Специализированный межрайонный суд вынес приговор по делу бывшего чиновника. {who} признан виновным в получении взятки в крупном размере и осуждён к лишению свободы с пожизненным запретом занимать государственные должности.\n"
            "Имущество, добытое преступным путём, конфисковано в доход государства. Подсудимый вину признал частично и просил суд о снисхождении.\n"
            "Приговор в законную силу не вступил и может быть обжалован в апелляционном порядке.",
            _RU,
        ),
    ),
    "en": (
        Form(
            "President Daniyar Omarov has sent a letter of congratulation to {who}, President of {of}, on the occasion of the national holiday.\n"
            "In the letter, the head of state noted that relations between the two countries rest on friendship and mutual trust, and that cooperation in trade and energy has gained new momentum.\n"
            "Omarov wished {who} good health and success, and the people of {of} peace and prosperity.",
            _EN,
        ),
        Form(
            "President Daniyar Omarov received credentials from {who}, the newly appointed ambassador of {of}.\n"
            "During the ceremony at the palace, the head of state said that the country attaches great importance to closer ties, and named trade, transport, education and tourism as priorities.\n"
            "The ambassador thanked the president for the warm welcome and conveyed greetings from the leadership of {of}.",
            _EN,
        ),
        Form(
            "Foreign Minister Yerlan Tulegenov held a telephone conversation with {who}, his counterpart from {of}.\n"
            "The sides reviewed the implementation of agreements reached earlier, discussed the schedule of upcoming meetings, and exchanged views on the situation in the region.\n"
            "They confirmed a mutual interest in expanding economic ties and agreed to stay in touch.",
            _EN,
        ),
        Form(
            "President Daniyar Omarov has offered his condolences to {who}, President of {of}, over the loss of life in the earthquake.\n"
            "In his telegram, the head of state said that the whole nation shares the grief of the families who have lost their loved ones, and wished a speedy recovery to all the injured.\n"
            "He added that the country stands ready to provide any assistance that may be needed.",
            _EN,
        ),
    ),
    "kk": (
        Form(
            "Мемлекет басшысы Данияр Омаров {of} Президенті {to} ұлттық мереке қарсаңында құттықтау жеделхатын жолдады.\n"
            "Жеделхатта екі ел арасындағы қарым-қатынастың достық пен өзара сенімге негізделгені, сауда мен көлік саласындағы ынтымақтастықтың жаңа деңгейге көтерілгені айтылған.\n"
            "Омаров {to} зор денсаулық, жауапты қызметіне табыс, ал {of} халқына бақ-береке тіледі.",
            _KK,
        ),
        Form(
            "Сыртқы істер министрі Ерлан Төлегенов {of} Сыртқы істер министрі {with} телефон арқылы сөйлесті.\n"
            "Тараптар бұған дейін қол жеткізілген уағдаластықтардың орындалу барысын қарап, алдағы кездесулер кестесін талқылады және өңірдегі жағдай туралы пікір алмасты.\n"
            "Әңгіме соңында екі тарап экономикалық байланыстарды кеңейтуге мүдделі екенін растап, байланысты жалғастыруға келісті.",
            _KK,
        ),
        Form(
            "Президент Данияр Омаров {of} елшісі {who} мырзадан сенім грамотасын қабылдады.\n"
            "Салтанатты рәсімде Мемлекет басшысы ел үшін екіжақты байланыстарды нығайту маңызды екенін айтып, сауда, көлік, білім және туризм салаларын басымдық ретінде атады.\n"
            "Елші жылы қабылдау үшін алғыс айтып, {of} басшылығының сәлемін жеткізді.",
            _KK,
        ),
    ),
    "uz": (
        Form(
            "Davlat rahbari Doniyor Umarov {of} Prezidenti {to} milliy bayram munosabati bilan tabrik maktubini yoʻlladi.\n"
            "Maktubda ikki mamlakat oʻrtasidagi munosabatlar doʻstlik va oʻzaro ishonchga asoslangani, savdo va transport sohasidagi hamkorlik yangi bosqichga koʻtarilgani taʼkidlangan.\n"
            "Umarov {to} mustahkam sogʻliq va masʼuliyatli faoliyatida omad, {of} xalqiga tinchlik va farovonlik tiladi.",
            _UZ,
        ),
        Form(
            "Tashqi ishlar vaziri Erlan Toʻlaganov {of} tashqi ishlar vaziri {with} telefon orqali muloqot qildi.\n"
            "Tomonlar avval erishilgan kelishuvlarning bajarilishini koʻrib chiqdi, boʻlajak uchrashuvlar jadvalini muhokama qildi va mintaqadagi vaziyat yuzasidan fikr almashdi.\n"
            "Suhbat yakunida iqtisodiy aloqalarni kengaytirishdan oʻzaro manfaatdorlik tasdiqlandi va muloqotni davom ettirishga kelishildi.",
            _UZ,
        ),
        Form(
            "Prezident Doniyor Umarov {of} elchisi {who} janoblaridan ishonch yorligʻini qabul qildi.\n"
            "Tantanali marosimda davlat rahbari ikki tomonlama aloqalarni mustahkamlash muhimligini aytib, savdo, transport, taʼlim va turizmni ustuvor yoʻnalish deb atadi.\n"
            "Elchi samimiy qabul uchun minnatdorlik bildirib, {of} rahbariyatining salomini yetkazdi.",
            _UZ,
        ),
    ),
}

FIGURES: Mapping[str, tuple[Form, ...]] = {
    "ru": (
        Form(
            "На вечерних торгах средневзвешенный курс доллара составил 5##,## тенге за доллар, сообщили на бирже.\n"
            "Евро к закрытию торгов оценили в 6##,## тенге, рубль – в 6,## тенге. Объём торгов достиг 1## миллионов долларов, число сделок – ###.\n"
            "Участники рынка связывают движение курса с налоговым периодом и ценами на нефть; Национальный банк в торги не вмешивался."
        ),
        Form(
            "За минувшие сутки в стране зарегистрировано ### случаев заражения, сообщили в министерстве здравоохранения.\n"
            "Больше всего заболевших в столице – ##, в Алматы – ##, в Шымкенте – ##. Выздоровели ### человек, в тяжёлом состоянии остаются ##.\n"
            "Ведомство напоминает о необходимости соблюдать меры предосторожности и своевременно обращаться к врачу."
        ),
        Form(
            "Синоптики рассказали о погоде на выходные. В столице ночью –##, днём –#, ветер северный, порывы до 1# метров в секунду.\n"
            "В Караганде ночью –##, днём –#, на дорогах гололёд. На юге теплее: в Шымкенте днём до +#, ночью около нуля, туман.\n"
            "Водителям советуют проверить прогноз перед дальней дорогой и иметь при себе тёплые вещи и запас топлива."
        ),
        Form(
            "На пункте пропуска скопились грузовики, сообщили в пограничной службе. В очереди на выезд стоят ### машин, оформление идёт круглосуточно.\n"
            "Водителей просят запастись водой и продуктами, следить за электронной очередью и не создавать второй ряд. О снятии ограничений объявят дополнительно."
        ),
    ),
    "en": (
        Form(
            "The tenge closed at 5##.## per dollar in evening trading, the stock exchange said.\n"
            "The euro stood at 6##.## tenge and the rouble at 6.##. Turnover reached 1## million dollars in ### deals.\n"
            "Traders put the move down to tax payments and oil prices; the National Bank stayed out of the market."
        ),
        Form(
            "Fuel prices at the pump have been published for the week, according to the ministry of energy.\n"
            "Regular petrol costs 2## tenge a litre in the capital and 2## in Almaty, diesel 3## and 3##, gas 1##.\n"
            "The ministry said that stocks are sufficient, deliveries are on schedule and there are no grounds for further increases."
        ),
        Form(
            "Consumer prices rose #.# percent in the month and ##.# percent from a year earlier, the statistics bureau said.\n"
            "Food went up #.# percent, services #.# percent and other goods #.# percent. The sharpest rise was in the west of the country.\n"
            "Economists had expected a similar figure. The central bank reviews its base rate, now at 1#.##, later in the quarter."
        ),
    ),
    "kk": (
        Form(
            "Кешкі сауда қорытындысы бойынша доллардың орташа бағамы 5##,## теңге болды, деп хабарлады биржа.\n"
            "Еуро 6##,## теңгеге, рубль 6,## теңгеге бағаланды. Сауда көлемі 1## миллион долларға жетті, мәмілелер саны – ###.\n"
            "Нарыққа қатысушылар бағамның өзгеруін салық кезеңімен және мұнай бағасымен байланыстырады."
        ),
        Form(
            "Өткен тәулікте елде ### адам ауруға шалдыққаны тіркелді, деп хабарлады денсаулық сақтау министрлігі.\n"
            "Астанада ##, Алматыда ##, Шымкентте ## адам ауырды. ### адам жазылып шықты, ## науқастың жағдайы ауыр.\n"
            "Министрлік сақтық шараларын ұстануды және дәрігерге дер кезінде қаралуды ескертеді."
        ),
    ),
    "uz": (
        Form(
            "Markaziy bank valyuta kurslarini eʼlon qildi. Dollar kursi 12 ###,## soʻm, yevro 13 ###,## soʻm, rubl 1##,## soʻm etib belgilandi.\n"
            "Birjadagi savdolar hajmi ## million dollarni tashkil etdi, bitimlar soni – ###.\n"
            "Yangi kurslar buxgalteriya hisobi, bojxona va boshqa toʻlovlarni hisoblash uchun qoʻllaniladi."
        ),
        Form(
            "Oʻzgidromet dam olish kunlari uchun ob-havo maʼlumotini eʼlon qildi. Toshkentda kechasi # daraja sovuq, kunduzi 1# daraja iliq boʻladi.\n"
            "Nukusda kechasi ## daraja sovuq, Fargʻonada kunduzi ## daraja iliq, togʻli hududlarda qor yogʻadi, shamol tezligi sekundiga 1# metrga yetadi.\n"
            "Haydovchilardan yoʻlga chiqishdan oldin ob-havo maʼlumotini tekshirish soʻraladi."
        ),
    ),
}
