package feeds

import (
	"cmp"
	"encoding/xml"
	"html"
	"strings"
	"time"

	gorilla "github.com/gorilla/feeds"
)

// What stands here beside gorilla's elements is what they lack: links of the feed, categories, languages.

type atomFeed struct {
	Lang  string             `xml:"xml:lang,attr,omitempty"`
	Links []gorilla.AtomLink // over the only one that gorilla's has
	*gorilla.AtomFeed
	Entries []atomEntry `xml:"entry"`
}

type atomEntry struct {
	Lang string `xml:"xml:lang,attr,omitempty"`
	*gorilla.AtomEntry
	Categories []atomCategory `xml:"category"`
}

type atomCategory struct {
	Term string `xml:"term,attr"`
}

func writeAtom(f *feed) ([]byte, error) {
	out := atomFeed{Lang: f.lang, AtomFeed: &gorilla.AtomFeed{Xmlns: "http://www.w3.org/2005/Atom", Title: f.title, Id: f.id, Updated: f.updated.UTC().Format(time.RFC3339),
		Author: atomAuthor(f.site.author)}, Links: []gorilla.AtomLink{{Href: f.site.home + "/", Rel: "alternate"}, {Href: f.self, Rel: "self", Type: "application/atom+xml"}}}
	if f.next != "" {
		out.Links = append(out.Links, gorilla.AtomLink{Href: f.next, Rel: "next", Type: "application/atom+xml"})
	}
	for i := range f.items {
		out.Entries = append(out.Entries, f.items[i].atom())
	}
	return document(out)
}

func atomAuthor(name string) *gorilla.AtomAuthor {
	return &gorilla.AtomAuthor{AtomPerson: gorilla.AtomPerson{Name: name}}
}

// atom is the entry in Atom. One without a page must have content (RFC 4287, section 4.1.2).
func (i *item) atom() atomEntry {
	e := &gorilla.AtomEntry{Title: i.title, Id: i.id, Updated: i.updated.UTC().Format(time.RFC3339)}
	if !i.published.IsZero() {
		e.Published = i.published.UTC().Format(time.RFC3339)
	}
	if i.page != "" {
		e.Links = []gorilla.AtomLink{{Href: i.page, Rel: "alternate", Type: "text/html"}}
	}
	if i.summary != "" {
		e.Summary = &gorilla.AtomSummary{Content: i.summary, Type: "text"}
	}
	switch {
	case i.content != "":
		e.Content = &gorilla.AtomContent{Content: i.content, Type: "html"}
	case i.page == "":
		e.Content = &gorilla.AtomContent{Content: cmp.Or(i.summary, i.title), Type: "text"}
	}
	if len(i.authors) > 0 {
		e.Author = atomAuthor(strings.Join(i.authors, ", "))
	}
	out := atomEntry{Lang: i.lang, AtomEntry: e}
	for _, c := range i.categories {
		out.Categories = append(out.Categories, atomCategory{c})
	}
	return out
}

type rss struct {
	XMLName xml.Name `xml:"rss"`
	Version string   `xml:"version,attr"`
	Content string   `xml:"xmlns:content,attr"`
	DC      string   `xml:"xmlns:dc,attr"`
	Atom    string   `xml:"xmlns:atom,attr"`
	Channel rssChannel
}

type rssChannel struct {
	*gorilla.RssFeed
	Links []rssLink `xml:"atom:link"`
	Items []rssItem `xml:"item"`
}

type rssLink struct {
	Href string `xml:"href,attr"`
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
}

type rssItem struct {
	*gorilla.RssItem
	Link       string   `xml:"link,omitempty"`
	Creator    string   `xml:"dc:creator,omitempty"` // RSS's own author is an e-mail address
	Categories []string `xml:"category"`
}

const rssKind = "application/rss+xml"

func writeRSS(f *feed) ([]byte, error) {
	out := rss{Version: "2.0", Content: "http://purl.org/rss/1.0/modules/content/", DC: "http://purl.org/dc/elements/1.1/", Atom: "http://www.w3.org/2005/Atom"}
	out.Channel.RssFeed = &gorilla.RssFeed{Title: f.title, Link: f.site.home + "/", Description: f.title, Language: f.lang, LastBuildDate: rssTime(f.updated)}
	out.Channel.Links = []rssLink{{f.self, "self", rssKind}}
	if f.next != "" {
		out.Channel.Links = append(out.Channel.Links, rssLink{f.next, "next", rssKind})
	}
	for i := range f.items {
		out.Channel.Items = append(out.Channel.Items, f.items[i].rss())
	}
	return document(out)
}

func rssTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC1123Z)
}

// rss is the entry in RSS, where a description is HTML.
func (i *item) rss() rssItem {
	out := rssItem{RssItem: &gorilla.RssItem{Title: i.title, Description: html.EscapeString(cmp.Or(i.summary, i.title)), PubDate: rssTime(i.published),
		Guid: &gorilla.RssGuid{Id: i.id, IsPermaLink: "false"}}, Link: i.page, Creator: strings.Join(i.authors, ", "), Categories: i.categories}
	if i.content != "" {
		out.RssItem.Content = &gorilla.RssContent{Content: i.content}
	}
	return out
}

// document writes an XML document.
func document(v any) ([]byte, error) {
	text, err := xml.MarshalIndent(v, "", " ")
	return append([]byte(xml.Header), text...), err
}
