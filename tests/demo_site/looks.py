"""The six page templates, each in the manner of another CMS.

``$name`` fields are filled by ``pages.PageMaker``. Script and style stay in: they are part of what a text
extractor has to see past.
"""

from __future__ import annotations

from string import Template

WORDPRESS = Template("""<!DOCTYPE html>
<html lang="$lang" prefix="og: https://ogp.me/ns#">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$headline &#8212; $site</title>
<link rel="canonical" href="$url">
<link rel="alternate" type="$feed_type" title="$site" href="$feed">
<meta property="og:type" content="article"><meta property="og:title" content="$headline">
<meta property="og:site_name" content="$site">
<meta property="article:published_time" content="$iso">
<meta name="generator" content="WordPress 6.4.2">
<script>window.dataLayer = window.dataLayer || []; function gtag(){dataLayer.push(arguments);}</script>
<style>.site-header{background:#244}.entry-content p{line-height:1.6}</style>
</head>
<body class="post-template-default single single-post">
<header id="masthead" class="site-header"><a class="custom-logo-link" href="$home"><img src="/logo.png" alt="$site"></a>
<p class="site-description">$tagline</p>
<nav id="site-navigation" class="main-navigation"><ul class="menu">$menu</ul></nav></header>
<div class="breadcrumbs"><a href="$home">$l_home</a> / <a href="/news/">$l_news</a> / <span>$headline</span></div>
<div id="content" class="site-content"><main id="main" class="site-main">
<article id="post-$number" class="post type-post status-publish format-standard hentry">
<header class="entry-header"><h1 class="entry-title">$headline</h1>
<div class="entry-meta"><time class="entry-date published" datetime="$iso">$when</time>
<span class="byline">$author</span></div></header>
<div class="ad ad-top"><script>(adsbygoogle = window.adsbygoogle || []).push({});</script>$l_ad</div>
<div class="entry-content">
$body
<div class="sharedaddy sd-sharing-enabled"><h3 class="sd-title">$l_share</h3><ul><li><a href="#tg">Telegram</a></li>
<li><a href="#wa">WhatsApp</a></li><li><a href="#fb">Facebook</a></li></ul></div>
</div>
<footer class="entry-footer"><span class="tags-links">$l_tags: $tags</span></footer>
</article>
<div id="comments" class="comments-area"><h2>$l_comments</h2>
<form action="#" method="post"><textarea name="comment"></textarea><input type="submit" value="$l_send"></form></div>
</main>
<aside id="secondary" class="widget-area sidebar"><section class="widget"><h2>$l_popular</h2><ul>$popular</ul></section>
<section class="widget newsletter"><p>$l_letter</p><form><input type="email"></form></section></aside></div>
<footer class="site-footer"><p>&copy; $year $site. $l_rights</p><p>$l_phone: $phone</p></footer>
<div class="cookie-notice">$l_cookie <button>OK</button></div>
</body></html>
""")

MAGAZINE = Template("""<!doctype html>
<html lang="$lang">
<head>
<meta charset="utf-8"><title>$headline | $site</title>
<meta property="og:type" content="article"><meta property="og:url" content="$url">
<meta property="og:title" content="$headline"><meta property="og:site_name" content="$site">
<meta property="og:image" content="${home}img/cover.jpg"><meta name="twitter:card" content="summary_large_image">
<link rel="canonical" href="$url"><link rel="alternate" type="$feed_type" href="$feed" title="$site">
<script type="application/ld+json">$ld</script>
<script>(function(w){w.__consent={shown:false};})(window);</script>
</head>
<body>
<div class="cookie-banner" role="dialog"><p>$l_cookie</p><button>Accept all</button><button>Settings</button></div>
<header class="topbar"><a href="$home" class="logo">$site</a><span class="strap">$tagline</span>
<nav class="nav-main"><ul>$menu</ul></nav></header>
<main class="layout">
<nav aria-label="breadcrumb" class="crumbs"><ol><li><a href="$home">$l_home</a></li><li>$l_news</li></ol></nav>
<section class="story">
<h1 class="story__title">$headline</h1>
<div class="story__meta"><span class="story__author">$author</span> <span class="story__date">$when</span></div>
<div class="story__share"><button>Share on X</button><button>LinkedIn</button><button>Email</button></div>
<div class="ad" id="ad-728x90"><script>googletag.cmd.push(function(){googletag.display('ad-728x90');});</script></div>
<div class="story__body">
$body
</div>
<ul class="tag-list">$tag_items</ul>
</section>
<aside class="rail"><div class="related"><h3>$l_also</h3><ul>$related</ul></div>
<div class="most-read"><h3>$l_popular</h3><ol>$popular</ol></div>
<div class="newsletter-box"><h3>The Friday note</h3><p>$l_letter</p><input placeholder="you@example.org"></div></aside>
<section class="comments"><h3>$l_comments</h3><p>Sign in to leave a comment.</p></section>
</main>
<footer class="bottom"><p>&copy; $year $site. $l_rights</p><p>$l_phone $phone</p></footer>
</body></html>
""")

PORTAL = Template("""<!DOCTYPE html>
<html lang="$lang">
<head>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8">
<title>$headline - $site</title>
<meta name="description" content="$headline">
<link rel="alternate" type="$feed_type" href="$feed">
<link rel="stylesheet" href="/assets/portal.css">
</head>
<body>
<div class="wrapper"><div class="header"><div class="logo"><a href="$home">$site</a></div>
<div class="slogan">$tagline</div><ul class="top-menu">$menu</ul></div>
<div class="pathway"><a href="$home">$l_home</a> » <a href="/news">$l_news</a></div>
<div class="row"><div class="col-8">
<div class="news-detail" itemscope itemtype="http://schema.org/NewsArticle">
<h1 itemprop="headline">$headline</h1>
<div class="news-info"><time datetime="$iso">$when</time> <span class="views">1 248</span> <b>$author</b></div>
<div class="news-photo"><img src="/photo/$number.jpg" alt=""></div>
<div class="news-text" itemprop="articleBody">
$body
</div>
<div class="share-buttons">$l_share: <a href="#">VK</a> <a href="#">Telegram</a> <a href="#">Instagram</a></div>
<div class="tags">$tags</div>
</div>
<div class="banner ad"><script>document.write('<ins class="banner"></ins>');</script></div>
<div class="comments"><h4>$l_comments</h4><form><textarea></textarea><button>$l_send</button></form></div>
</div>
<div class="col-4"><div class="block"><h4>$l_popular</h4><ul>$popular</ul></div>
<div class="block"><h4>$l_also</h4><ul>$related</ul></div><div class="block subscribe">$l_letter</div></div></div>
<div class="footer">&copy; $year «$site». $l_rights $l_phone: $phone</div></div>
<div id="cookie">$l_cookie</div>
</body></html>
""")

# No machine-readable date anywhere: on such sites it is only in the visible text.
BITRIX = Template("""<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN"
 "http://www.w3.org/TR/html4/loose.dtd">
<html>
<head>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8">
<title>$headline</title>
<script type="text/javascript" src="/bitrix/js/main/core/core.js"></script>
<link href="/bitrix/templates/main/styles.css" type="text/css" rel="stylesheet">
</head>
<body bgcolor="#ffffff">
<table width="100%" border="0" cellspacing="0" cellpadding="0">
<tr><td class="logo"><a href="$home"><img src="/i/logo.gif" alt="$site" border="0"></a></td><td>$tagline</td></tr>
<tr><td colspan="2" class="menu">$menu_row</td></tr>
</table>
<table width="100%" border="0" cellspacing="0" cellpadding="4">
<tr>
<td width="180" valign="top" class="left-col"><b>$l_popular</b><ul>$popular</ul>
<div class="ad"><script type="text/javascript">
var bn_id = 4417; document.write('<img src="/bn/4417.gif">');</script></div>
<form action="/subscribe">$l_letter<br><input type="text" name="email" size="14"></form></td>
<td valign="top" class="center-col">
<div class="chain"><a href="$home">$l_home</a> &raquo; <a href="/novosti/">$l_news</a></div>
<h1>$headline</h1>
<span class="news-date-time">$when</span>
<div class="news-detail">
$body
</div>
<div class="news-author">$author</div>
<div class="share"><a href="#">$l_share</a> | <a href="#print">Версия для печати</a></div>
<div class="tags">$tags</div>
<div class="forum"><b>$l_comments</b> <form><textarea></textarea><input type="button" value="$l_send"></form></div>
</td>
<td width="200" valign="top" class="right-col"><b>$l_also</b><ul>$related</ul></td>
</tr>
</table>
<table width="100%"><tr><td class="footer">&copy; 2006&ndash;$year $site. $l_rights<br>$l_phone: $phone</td>
<td>$l_cookie</td></tr></table>
</body></html>
""")

OLDPRESS = Template("""<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN">
<html xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta http-equiv="Content-Type" content="text/html; charset=windows-1251" />
<title>$site :: $headline</title>
<link rel="alternate" type="application/rss+xml" href="$feed" />
<script type="text/javascript">/* <![CDATA[ */ var counter = new Image(); counter.src = '/cnt.gif'; /* ]]> */</script>
</head>
<body>
<div id="top"><a href="$home"><img src="/img/head.jpg" alt="$site" /></a><i>$tagline</i></div>
<div id="nav"><ul>$menu</ul></div>
<div id="page">
<div id="left"><h3>$l_popular</h3><ul>$popular</ul><div class="ad">$l_ad</div></div>
<div id="center" itemscope="itemscope" itemtype="http://schema.org/Article">
<p class="bread"><a href="$home">$l_home</a> &rarr; $l_news</p>
<h1 itemprop="headline">$headline</h1>
<div class="date"><meta itemprop="datePublished" content="$iso" />$when</div>
<div class="text" itemprop="articleBody">
$body
</div>
<div class="sign">$author</div>
<div class="social"><span>$l_share:</span> <a href="#">OK</a> <a href="#">Facebook</a> <a href="#">Twitter</a></div>
<div class="keywords">$l_tags: $tags</div>
<div class="related"><h3>$l_also</h3><ul>$related</ul></div>
<div class="comments"><h3>$l_comments</h3><form action="/c"><textarea rows="3" cols="40"></textarea></form></div>
</div>
<div id="right"><div class="subscribe">$l_letter</div></div>
</div>
<div id="bottom">&copy; $site, $year. $l_rights $l_phone: $phone. $l_cookie</div>
</body></html>
""")

AMP_PARENT = Template("""<!DOCTYPE html>
<html lang="$lang">
<head>
<meta charset="utf-8"><title>$headline – $site</title>
<link rel="canonical" href="$url"><link rel="amphtml" href="$url/amp">
<link rel="alternate" type="$feed_type" href="$feed" title="$site">
<meta property="article:published_time" content="$iso">
<script type="application/ld+json">$ld</script>
<script id="__STATE__" type="application/json">{"route":"article","ads":true}</script>
</head>
<body><div id="app">
<header class="Header_root__x1"><a href="$home" class="Header_logo__q2">$site</a><nav><ul>$menu</ul></nav></header>
<div class="Crumbs_root__9a"><a href="$home">$l_home</a><span>$l_news</span></div>
<main class="Article_root__k7">
<h1 class="Article_title__d3">$headline</h1>
<p class="Article_meta__l0"><span>$author</span> · <time>$when</time></p>
<div class="Ad_slot__w4 ad"><span>$l_ad</span></div>
<div class="Article_body__z8">
$body
</div>
<div class="Share_root__p5"><button>Telegram</button><button>X</button><button>$l_share</button></div>
<div class="Tags_root__t6">$tags</div>
<section class="Related_root__r1"><h2>$l_also</h2><ul>$related</ul></section>
<section class="Comments_root__c2"><h2>$l_comments</h2><button>$l_send</button></section>
</main>
<aside class="Sidebar_root__s3"><h2>$l_popular</h2><ol>$popular</ol>
<div class="Newsletter_root__n4">$l_letter</div></aside>
<footer class="Footer_root__f5"><p>$tagline</p><p>&copy; $year $site. $l_rights</p><p>$l_phone $phone</p></footer>
<div class="Consent_root__e6">$l_cookie</div>
</div></body></html>
""")

AMP = Template("""<!doctype html>
<html amp lang="$lang">
<head><meta charset="utf-8"><title>$headline</title><link rel="canonical" href="$url">
<meta name="viewport" content="width=device-width">
<script type="application/ld+json">$ld</script><script async src="/v0.js"></script>
<style amp-boilerplate>body{visibility:hidden}</style></head>
<body><header><a href="$home">$site</a></header>
<article><h1>$headline</h1><p class="meta">$when</p>
$body
</article><amp-ad width="300" height="250" type="none"></amp-ad>
<footer>&copy; $year $site</footer></body></html>
""")

LOOKS: dict[str, Template] = {
    "wordpress": WORDPRESS,
    "magazine": MAGAZINE,
    "portal": PORTAL,
    "bitrix": BITRIX,
    "oldpress": OLDPRESS,
    "amp": AMP_PARENT,
}
