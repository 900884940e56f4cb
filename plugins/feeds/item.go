package feeds

import (
	"cmp"
	"html"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// feed is a page of entries, whatever it is written as.
type feed struct {
	site    *site
	title   string
	lang    string
	self    string // the address of this page
	id      string // that of the first page, for good
	next    string // of the next page; "" on the last
	updated time.Time
	items   []item
}

// item is one entry. Its texts are plain, but for content, which is HTML.
type item struct {
	id, page, lang     string
	title, summary     string
	content            string
	published, updated time.Time
	authors            []string
	categories         []string
}

// feed makes a feed of a page of entries, with what XML cannot hold taken out.
func (m *Mapping) feed(where *site, t *core.Type, docs []map[string]any, self address, next string) *feed {
	lang := core.Locale(cmp.Or(self.query.Get("locale"), self.query.Get("lang"), string(t.DefaultLocale())))
	f := &feed{site: where, title: where.title + " – " + t.PluralLabel.In(lang), lang: string(lang), self: self.String(), id: self.of(where.api).after("")}
	if next != "" {
		f.next = self.after(next)
	}
	for _, doc := range docs {
		i := m.item(where, t, doc)
		f.items = append(f.items, i)
		if i.updated.After(f.updated) {
			f.updated = i.updated
		}
	}
	return f
}

func (m *Mapping) item(where *site, t *core.Type, doc map[string]any) item {
	i := item{lang: text(doc, "_locale"), title: text(doc, cmp.Or(m.Title, t.TitleField)), summary: text(doc, m.Summary), content: text(doc, m.Content),
		authors: values(doc, m.Authors), categories: values(doc, m.Categories)}
	i.updated, _ = time.Parse(time.RFC3339, text(doc, "_updatedAt"))
	i.published, _ = time.Parse(time.RFC3339, text(doc, "_publishedAt"))
	made, _, _ := strings.Cut(text(doc, "_createdAt"), "T")
	i.id = "tag:" + where.host + "," + cmp.Or(made, "2000-01-01") + ":" + string(t.Name) + "/" + text(doc, "_id")
	if path := m.Page.Fill(doc); path != "" {
		i.page = where.home + path
	}
	if f, ok := t.Field(m.Content); ok && f.Kind != core.KindRichText {
		i.content = html.EscapeString(i.content)
	}
	i.title = cmp.Or(i.title, text(doc, "_id"))
	return i
}

// text gives the text at a path, without what XML cannot hold; "" where there is none.
func text(doc map[string]any, path string) string {
	return clean(jsondoc.Text(doc, path))
}

// values gives the texts at a path, likewise.
func values(doc map[string]any, path string) []string {
	all := jsondoc.Texts(doc, path)
	for i := range all {
		all[i] = clean(all[i])
	}
	return all
}

// clean takes out the characters that XML has no way to write (XML 1.0, production 2).
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r', r >= ' ' && r <= 0xd7ff, r >= 0xe000 && r <= 0xfffd, r >= 0x10000:
			return r
		}
		return -1
	}, s)
}
