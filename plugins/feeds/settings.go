package feeds

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

//go:embed settings.json
var settingsSchema []byte

// Settings are the plugin's settings.
type Settings struct {
	Site   string    `json:"site"` // without it, the server's public address
	Title  string    `json:"title"`
	Author string    `json:"author"`
	IDHost string    `json:"idHost"` // in the identifiers of entries; that of Site without it
	Types  []Mapping `json:"types"`
}

// Mapping says which fields of a type tell what, as dotted paths. Only Type is needed.
type Mapping struct {
	Type core.TypeName `json:"type"`
	// Page is the path of an entry's page on the website, with fields of the entry in braces: "/fiches/{slug}". Without it
	// the type is not in the sitemap.
	Page       plugin.PageAddress `json:"page"`
	Title      string             `json:"title"` // the type's own title without it
	Summary    string             `json:"summary"`
	Content    string             `json:"content"`
	Authors    string             `json:"authors"`
	Categories string             `json:"categories"`
}

// check refuses what the schema cannot say.
func check(s Settings) error {
	seen := map[core.TypeName]bool{}
	for _, m := range s.Types {
		if seen[m.Type] {
			return fmt.Errorf("the type %s is listed twice: put its fields together", m.Type)
		}
		seen[m.Type] = true
	}
	if _, err := url.Parse(s.Site); err != nil {
		return fmt.Errorf("the address of the website cannot be read: write it like https://example.org")
	}
	return nil
}

// fits refuses types and fields that the site does not have.
func fits(_ context.Context, c plugin.Change[Settings]) error {
	n := plugin.NewNaming(c.Host.Types())
	for i, m := range c.Is.Types {
		if slices.Contains(c.Was.Types, m) {
			continue
		}
		at := fmt.Sprintf("/types/%d/", i)
		t := n.Type(at+"type", m.Type)
		if t == nil {
			continue
		}
		n.Page(at+"page", t, m.Page)
		for name, path := range map[string]string{"title": m.Title, "summary": m.Summary, "content": m.Content, "authors": m.Authors, "categories": m.Categories} {
			n.Field(at+name, t, path)
		}
	}
	return n.Err()
}

// site is the website that feeds speak of.
type site struct {
	home   string // without a slash at the end
	api    string // where feeds are, in what is kept for good
	here   string // where they are for whoever asks: with no public address, where the request came to
	host   string // in identifiers
	title  string
	author string
}

// site gives the website. Without an address there is nothing to give: readers keep links and identifiers for good.
func (f *feeds) site(q *core.RouteRequest) (*site, error) {
	s := f.settings.Get()
	w := &site{home: strings.TrimRight(cmp.Or(s.Site, f.host.PublicURL()), "/")}
	if w.home == "" {
		return nil, core.Refuse(core.CodeNotFound, "no_site", "There are no feeds until the address of the website is known: set site in the settings of the plugin %s.",
			"Il n’y a pas de flux tant que l’adresse du site n’est pas connue : renseignez site dans les réglages de l’extension %s.", ID)
	}
	w.api = cmp.Or(f.host.PublicURL(), w.home)
	w.here = cmp.Or(f.host.PublicURL(), cameTo(q), w.home)
	address, err := url.Parse(w.home)
	if err != nil {
		return nil, core.Wrap("feeds.site", err)
	}
	w.host = cmp.Or(s.IDHost, address.Hostname())
	w.title = cmp.Or(s.Title, address.Hostname())
	w.author = cmp.Or(s.Author, w.title)
	return w, nil
}

// cameTo is the site that a request came to, "" when it does not say.
func cameTo(q *core.RouteRequest) string {
	switch {
	case q.Host == "":
		return ""
	case q.TLS != nil:
		return "https://" + q.Host
	}
	return "http://" + q.Host
}

// mapping finds the fields of a type. One that is not in the settings is answered like one that does not exist.
func (f *feeds) mapping(name string) (*Mapping, *core.Type, error) {
	for _, m := range f.settings.Get().Types {
		if string(m.Type) != name {
			continue
		}
		if t, ok := f.host.Types().Type(m.Type); ok {
			return &m, t, nil
		}
	}
	return nil, nil, core.Refuse(core.CodeNotFound, "no_feed", "There is no feed of %q: the settings of the plugin %s name the types that have one.",
		"Il n’y a pas de flux de « %s » : les réglages de l’extension %s nomment les types qui en ont un.", name, ID)
}
