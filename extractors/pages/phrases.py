"""The set phrases in which sites of our languages speak of themselves, by what they announce.

Each entry is one language: en, ru, kk, uz (Latin), uz (Cyrillic), ky, tg, tk. Phrases are regular expressions over a
line in lower case, with "ё" as "е" and every apostrophe as "'"; `extractors.pages.lines` says where they must stand.
"""

from __future__ import annotations

RELATED = (  # what follows are other stories
    "read (?:also|more|next)|(?:see|read|watch) (?:also|more)|also read|related(?: (?:stories|articles|news|"
    "content|topics|"
    "coverage|links|posts|video))?|more (?:on|from|about) (?:this|the) (?:story|topic|subject)|more (?:stories|"
    "coverage)|"
    "you (?:may|might) also (?:like|be interested in)|recommended(?: (?:for you|reading|stories))?|don't miss|"
    "must[- ]read|most (?:read|popular)|top stories|latest news|further reading|explore further|up next",
    "читай(?:те)?(?:,? пожалуйста,?)? (?:также|еще|далее|по теме|ранее|подробнее|также по теме|на эту тему)|"
    "смотри(?:те)? (?:также|еще)|(?:еще|больше|другие (?:новости|статьи|материалы)) (?:по|на) (?:этой |эту )?тем[еу]|"
    "(?:новост[ьи]|материалы?|ссылки|статьи|видео|публикации|сюжеты?) (?:по|на) (?:этой |эту )?тем[еу]|"
    "по теме|на эту тему|похожие (?:новости|статьи|материалы|записи)|связанные (?:новости|статьи|материалы)|"
    "рекомендуем(?: (?:прочитать|почитать|также|к прочтению))?|вам (?:может быть|будет) интересно|"
    "другие (?:новости|материалы|статьи)(?: (?:раздела|рубрики))?|(?:последние|главные|свежие|популярные) новости|"
    "новости партнеров|самое (?:читаемое|популярное|обсуждаемое)|что еще почитать|ранее по теме|подробнее по теме|"
    "(?:читайте )?в этом разделе",
    "тағы (?:да )?оқыңыз(?:дар)?|сондай-ақ,? оқыңыз(?:дар)?|оқи отырыңыз(?:дар)?|осы тақырып(?:та|қа қатысты| бойынша)|"
    "тақырыпқа (?:орай|қатысты)|ұқсас (?:жаңалықтар|материалдар|мақалалар)|соңғы жаңалықтар|басқа (?:да )?жаңалықтар",
    "(?:shuningdek|yana),? (?:o'qing|o'qishingiz mumkin)|o'qing|ko'proq o'qing|batafsil o'qing|"
    "mavzuga (?:oid|doir)(?: yangiliklar| maqolalar| xabarlar)?|o'xshash (?:yangiliklar|maqolalar)|so'nggi yangiliklar|"
    "boshqa yangiliklar|mavzu bo'yicha",
    "(?:шунингдек|яна),? (?:ўқинг|ўқишингиз мумкин)|ўқинг|батафсил ўқинг|мавзуга (?:оид|доир)(?: янгиликлар| мақолалар|"
    " хабарлар)?|ўхшаш (?:янгиликлар|мақолалар)|сўнгги янгиликлар|бошқа янгиликлар|мавзу бўйича",
    "дагы (?:да )?окуңуз(?:дар)?|ошондой эле,? окуңуз(?:дар)?|окуй отуруңуз(?:дар)?|тема боюнча|бул темада|"
    "темага байланыштуу|окшош (?:жаңылыктар|макалалар)|акыркы жаңылыктар|башка жаңылыктар",
    "(?:инчунин|ҳамчунин|боз|инро ҳам|ин ҳам),? (?:би)?хонед|(?:би)?хонед|дар (?:ин|ҳамин) мавзуъ?|"
    "хабарҳои (?:охирин|дигар|монанд)|мавод[ҳи]*ои монанд",
    "(?:şeýle(?: hem)?|hem|ýene),? okaň|okaň|degişli (?:makalalar|habarlar|täzelikler)|meňzeş (?:makalalar|habarlar)|"
    "soňky (?:habarlar|täzelikler)|beýleki habarlar",
)

JOIN_US = (  # subscribe, follow, install
    "(?:subscribe|sign up|(?:join|follow|like|find) us (?:on|in)|follow our|join our (?:channel|newsletter|"
    "group)|download (?:our|the) app)|"
    "click here (?:to|for)|like this (?:story|article)|if you (?:enjoyed|liked) this (?:story|article|post)|"
    "follow [\\w' .]{2,40} on (?:facebook|twitter|telegram|instagram|x|google news)|"
    "get [\\w' .]{2,40} (?:delivered|on the go|in your inbox)|(?:want more|don't forget to subscribe)|"
    "support (?:our|independent) journalism",
    "подпи(?:сывай(?:ся|тесь)|шись|шитесь)|подписка на|присоединя(?:йся|йтесь) к нам|следи(?:те)? за (?:нами|"
    "нашими|новостями)|"
    "читай(?:те)? нас в|мы в (?:telegram|телеграм\\w*|соцсетях|социальных сетях|вконтакте|facebook|instagram|"
    "одноклассниках)|"
    "наш (?:telegram|телеграм)\\w*[- ]?канал|(?:еще )?(?:больше|все|самые \\w+|оперативные|свежие|"
    "важные) новост\\w+ [^.!?]{0,60}(?:telegram|"
    'телеграм|instagram|facebook|whatsapp|в нашем)|добавьте [\\w. «»"]{2,40} в (?:свои )?(?:избранн|источник)|'
    "скача(?:йте|ть) (?:наше|мобильное)? ?приложение|хотите быть в курсе|будьте в курсе|оставайтесь с нами|"
    "узнавайте о главном|вступайте в наш",
    "(?:біздің |сайтымыздың )?(?:telegram|телеграм)[\\w-]{0,20} ?(?:арна|канал)\\w{0,20}(?: \\w+)? "
    "(?:жазыл|тіркел)\\w+|"
    "бізге (?:жазыл|тіркел|қосыл)\\w+|(?:парақша|арна|канал)мызға (?:жазыл|тіркел|қосыл)\\w+|"
    "бізді [^.!?]{0,60}оқыңыз\\w*|"
    "жаңалықтардан хабардар бол\\w+",
    "(?:bizning )?(?:telegram|instagram|youtube|facebook)[^.!?]{0,40} (?:obuna bo'ling|kuzatib boring|a'zo bo'ling)|"
    "(?:bizning )?(?:kanal|sahifa)(?:imiz|miz)ga (?:obuna|a'zo) bo'ling|bizni [^.!?]{0,60}(?:kuzating|"
    "kuzatib boring|o'qing)|"
    "bizga (?:qo'shiling|obuna bo'ling)",
    "(?:бизнинг )?(?:telegram|телеграм|instagram|youtube|facebook)[^.!?]{0,40} (?:обуна бўлинг|кузатиб боринг|"
    "аъзо бўлинг)|"
    "(?:бизнинг )?(?:канал|саҳифа)(?:имиз|миз)га (?:обуна|аъзо) бўлинг|бизни [^.!?]{0,60}(?:кузатинг|"
    "кузатиб боринг|ўқинг)|"
    "бизга (?:қўшилинг|обуна бўлинг)",
    "(?:биздин )?(?:telegram|телеграм|instagram|youtube|facebook)[^.!?]{0,40} (?:жазыл|катталы|кошулу)\\w+|"
    "(?:канал|баракча|баракчаб|каналы)\\w{0,20}бызга (?:жазыл|катталы|кошул)\\w+|бизге (?:жазыл|кошул)\\w+",
    "(?:ба )?(?:канали|саҳифаи) (?:мо|телеграмии мо|telegram)[^.!?]{0,40}(?:обуна|пайваст|аъзо) шавед|"
    "моро дар [^.!?]{0,60}(?:пайгирӣ кунед|бихонед|хонед)|ба мо (?:обуна|пайваст) шавед|обуна шавед",
    "(?:biziň )?(?:telegram|instagram|youtube|facebook|kanal\\w*)[^.!?]{0,40}(?:agza|abuna|ýazyl)\\w*(?: boluň)?|"
    "biziň (?:kanalymyza|sahypamyza) [^.!?]{0,30}(?:agza|abuna|ýazyl)\\w*(?: boluň)?|bizi [^.!?]{0,40}yzarlaň",
)

MISTAKE = (  # how to report one
    "(?:found|spotted|noticed|see) (?:an? )?(?:error|mistake|typo)",
    "(?:если (?:вы|ты) )?(?:на(?:шли|шел|йдете)|заметили|заметите|увидели|обнаружили) (?:\\w+ )?(?:ошибк[уи]|"
    "опечатк[уи]|неточность)|"
    "ошибка в тексте|выделите (?:ее|ошибку|текст|фрагмент)",
    "(?:егер )?(?:мәтіннен |мақаладан )?қате(?:ні|лікті)? (?:тап|байқа|көр)\\w+|қатені белгіле\\w+",
    "(?:agar )?(?:matnda )?xato(?:lik)?(?:ni)? (?:top|ko'r|sez|aniqla)\\w+",
    "(?:агар )?(?:матнда )?хато(?:лик)?(?:ни)? (?:топ|кўр|сез|аниқла)\\w+",
    "(?:эгер )?(?:тексттен |макаладан )?ката(?:ны|чылык)? (?:тап|байка|көр)\\w+",
    "(?:агар )?(?:дар матн )?(?:хато|ғалат)(?:ро|е)? (?:ефтед|дидед|пайдо кардед)",
    "(?:eger )?(?:tekstde )?(?:ýalňyş(?:lyk)?|säwlik) (?:tapsaňyz|tapdyňyz|görseňiz)\\w*",
)

RIGHTS = (  # who may copy
    "©|(?:\\(c\\)|copyright)\\s*(?:©|\\(c\\)|\\d{4})|all rights reserved|(?:this material|"
    "this content) may not be (?:published|reproduced)|"
    "reproduction (?:without|is) ",
    "все права (?:защищены|на материалы|принадлежат)|(?:при )?(?:использовани[еи]|перепечатк[еа]|цитировани[еи]|"
    "копировани[еи]) "
    "(?:\\w+ ){0,3}материал\\w*[^.!?]{0,120}(?:ссылк|разреш|запрещ|соглас|обязатель)|"
    "администрация сайта не несет|редакция (?:не несет|может не разделять|не разделяет)|мнение (?:редакции|"
    "автора) может не совпадать",
    "барлық құқықтар(?:ы)? қорғалған|материалдарды (?:пайдалан|көшір)\\w+",
    "barcha huquqlar(?:i)? himoya(?:langan| qilingan)|materiallardan foydalan\\w+ [^.!?]{0,60}(?:havola|mumkin|shart)",
    "барча ҳуқуқлар(?:и)? ҳимоя(?:ланган| қилинган)|материаллардан фойдалан\\w+ [^.!?]{0,60}(?:ҳавола|мумкин|шарт)",
    "бардык укуктар(?:ы)? корголгон|материалдарды (?:пайдалан|көчүр)\\w+",
    "(?:ҳамаи|тамоми) ҳуқуқҳо (?:ҳифз|маҳфуз)|истифодаи мавод[^.!?]{0,60}(?:истинод|ҳатмист|мумкин)",
    "ähli hukuklar(?:y)? goralan",
)

BUTTONS = (  # lines made of nothing else; numbers between them are signs
    "share|share (?:this|on|via|with)[\\w ]{0,30}|tweet|print|e-?mail|copy link|save|listen|play|advertisement|"
    "ad|sponsored|"
    "comments?|(?:leave|post|add|write|view) (?:a |your |all )?comments?|tell us what you think|"
    "join the (?:conversation|discussion)|"
    "read (?:more|full (?:story|article))|view (?:more|gallery|photos)|show more|load more|back to (?:top|"
    "homepage)|next|previous|"
    "facebook|twitter|whatsapp|telegram|linkedin|pinterest|reddit|flipboard|vkontakte|viber|subscribe|"
    "newsletter|follow|menu|search|"
    "article continues(?: below| after)?[\\w ]{0,30}|story continues below[\\w ]{0,20}|close|accept(?: all)?",
    "поделиться(?: (?:в|с|на|новостью|ссылкой|статьей)[\\w «».]{0,40})?|(?:рас)?печат(?:ать|ь)|"
    "версия для печати|мобильная версия|"
    "отправить (?:другу|по почте|на (?:e-?mail|почту))|(?:со|до)хранить(?: в закладках)?|(?:копировать|"
    "скопировать) ссылку|"
    "комментари(?:и|й|ев|я)|(?:оставить|добавить|написать|все|"
    "показать) (?:свой )?комментари[йи]|обсудить(?: на форуме)?|"
    "(?:читать|смотреть|узнать|показать) (?:далее|дальше|полностью|больше|еще|все|подробнее|подробности)|"
    "подробнее|реклама|на правах рекламы|"
    "назад|вперед|наверх|в начало|на главную|все новости|архив(?: новостей)?|вконтакте|одноклассники|фейсбук|"
    "твиттер|живой журнал|"
    "мне нравится|нравится|оцените(?:,? пожалуйста,?)?(?: \\w+)?|голосовать|загрузка|загружается,? подождите|"
    "закрыть|войти|регистрация|"
    "получить код|код для (?:блога|вставки)|новост[ьи](?: по теме| дня| партнеров)?",
    "бөлісу|бөлісіңіз|басып шығару|пікірлер?|пікір (?:қалдыру|жазу)|толығырақ|толық оқу|"
    "барлық жаңалықтар|жарнама|ұнады|жазылу",
    "ulashish|ulashing|chop etish|izohlar?|izoh (?:qoldirish|yozish)|batafsil|barcha yangiliklar|reklama|obuna bo'lish",
    "улашиш|улашинг|чоп этиш|изоҳлар?|изоҳ (?:қолдириш|езиш)|батафсил|барча янгиликлар|реклама|обуна бўлиш",
    "бөлүшүү|бөлүшүңүз|басып чыгаруу|(?:пикирлер|комментарийлер)|(?:пикир|комментарий) (?:калтыруу|"
    "жазуу)|толугураак|кененирээк|"
    "бардык жаңылыктар|жарнама",
    "паҳн (?:кардан|кунед)|мубодила(?: кунед)?|чоп кардан|(?:шарҳҳо|назарҳо)|(?:шарҳ|"
    "назар) (?:гузоштан|гузоред|навиштан)|муфассал|"
    "ҳамаи хабарҳо|реклама|таблиғ",
    "paýlaş(?:mak|yň)?|çap et(?:mek)?|teswirler|teswir (?:ýazyň|ýazmak|goşmak)|giňişleýin|"
    "dowamyny oka(?:ň|mak)|ähli habarlar|mahabat",
)

LABELS = (  # what follows, behind a colon, is the page's: tags, counts of readers, who took the picture
    "tags?|topics?|filed under|categor(?:y|ies)|keywords?|views?|photo(?: credit)?|image(?: credit)?|picture|"
    "photograph|share this|source url",
    "т[еэ]ги?|метки|ключевые слова|рубрик[аи]|раздел(?:ы новостей)?|категори[яи]|просмотр(?:ов|ы)|прочитано|"
    "комментари(?:ев|и|й)|"
    "фото|иллюстрация|коллаж|рисунок|изображение|скриншот|(?:время|дата) публикации|последнее обновление|"
    "опубликовано|обновлено|постоянный адрес",
    "тегтер|санат|қаралым|көрілім|сурет|коллаж|скриншот",
    "teglar|ruknlar?|ko'rishlar|ko'rildi|surat|foto|kollaj",
    "теглар|рукнлар?|кўришлар|кўрилди|сурат|фото|коллаж",
    "тегдер|бөлүм|көрүүлөр|сүрөт|коллаж",
    "барчасбҳо|тегҳо|бахш|дида шуд|акс|сурат",
    "bellikler|bölüm|görlen|surat|foto",
)
