// Package feeds tells the world what is new on a website: Atom (RFC 4287), RSS 2.0 and JSON Feed 1.1 of any content type and
// query, and a sitemap (sitemaps.org) of all public pages.
//
//	GET /feeds/{type}.atom?<filters>   also .rss and .json; the newest first, with the parameters of the list
//	GET /feeds/sitemap.xml             an index where one file does not hold all pages
//	GET /feeds/sitemap-{type}-{n}.xml  the parts of the index
//
// The settings say which types have feeds and where their pages are on the website. Everything is read as whoever asks would
// read it from the API, the sitemap as anybody would.
//
// An entry's identifier is a tag URI (RFC 4151) of the website's domain, the day on which the entry was made, and the
// entry's own identifier: it stays when the title or the page's address changes.
package feeds

import (
	"context"
	"errors"
	"sync"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// ID is the plugin's.
const ID = "dev.palabre.feeds"

// feeds is the plugin.
type feeds struct {
	host     plugin.Host
	settings *plugin.Settings[Settings]
	sizes    Sizes
	ends     sync.Map // end to the identifier of the entry there, as it was when a walk got there
}

// Sizes are how many pages the files of a sitemap hold.
type Sizes struct {
	Whole int // in the only file; where there are more, there is an index
	Part  int // in a part of an index
}

// New makes the plugin.
func New() plugin.Plugin { return NewSized(Sizes{Whole: 50_000, Part: 10_000}) }

// NewSized makes the plugin with other sizes of sitemaps. The protocol allows 50,000 at most.
func NewSized(s Sizes) plugin.Plugin { return &feeds{sizes: s} }

var _ plugin.Starter = (*feeds)(nil)

// Manifest implements plugin.Plugin.
func (f *feeds) Manifest() plugin.Manifest {
	return plugin.Manifest{ID: ID, Version: "1.0.0", Name: "Feeds", License: "Apache-2.0", Settings: settingsSchema,
		Description:  core.Text{"fr": "Les flux Atom, RSS et JSON des contenus, et le plan du site.", "en": "Atom, RSS and JSON feeds of content, and the sitemap."},
		Capabilities: plugin.Capabilities{Prefixes: []string{"/feeds"}}}
}

// Register implements plugin.Plugin.
func (f *feeds) Register(r *plugin.Registry) error {
	f.settings = plugin.Configure(r, check)
	plugin.Fits(r, fits)
	return errors.Join(
		plugin.Get(r, "/feeds/sitemap.xml", "sitemap", "The sitemap of all public pages, or its index", f.askSitemap, plugin.Public()),
		plugin.Get(r, "/feeds/{file}", "feed", "What is new of a type: {file} is its name and .atom, .rss or .json; or sitemap-{type}-{n}.xml", f.askFile, plugin.Public()))
}

// Start implements plugin.Starter.
func (f *feeds) Start(_ context.Context, h plugin.Host) error {
	f.host = h
	return nil
}
