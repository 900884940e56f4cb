// Package calendar gives events to calendar programs and search engines: iCalendar feeds (RFC 5545, RFC 7986) and schema.org
// descriptions of the entries of any content type that has dates.
//
//	GET /calendar/{type}.ics?<filters>            the events of a type, with the filters of its list
//	GET /calendar/{type}/{id-or-slug}.ics         one event and the sessions of its programme
//	GET /calendar/{type}/{id-or-slug}.jsonld      the same for search engines
//	GET /calendar/{type}/series/{id-or-slug}.ics  the events of a series
//
// The settings say which types these are, and which of their fields are the start, the place and so on. Everything is read
// as whoever asks would read it from the API: what he may not see is in no answer, and what was unpublished is gone at once.
//
// A subscriber's calendar recognises an event by its UID, which is the entry's identifier, and takes the version with the
// highest SEQUENCE, which is the revision that was published. Nothing in an answer depends on when it was made, so that
// subscribers who ask again without need get 304.
package calendar

import (
	"context"
	"errors"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// ID is the plugin's.
const ID = "dev.palabre.calendar"

const version = "1.0.0"

// calendar is the plugin.
type calendar struct {
	host     plugin.Host
	settings *plugin.Settings[Settings]
}

// New makes the plugin.
func New() plugin.Plugin { return &calendar{} }

var _ plugin.Starter = (*calendar)(nil)

// Manifest implements plugin.Plugin.
func (c *calendar) Manifest() plugin.Manifest {
	return plugin.Manifest{ID: ID, Version: version, Name: "Calendar", License: "Apache-2.0", Settings: settingsSchema,
		Description:  core.Text{"fr": "Les évènements pour les agendas (iCalendar) et les moteurs de recherche (schema.org).", "en": "Events for calendars (iCalendar) and search engines (schema.org)."},
		Capabilities: plugin.Capabilities{Prefixes: []string{"/calendar"}}}
}

// Register implements plugin.Plugin.
func (c *calendar) Register(r *plugin.Registry) error {
	c.settings = plugin.Configure(r, check)
	plugin.Fits(r, fits)
	return errors.Join(
		plugin.Get(r, "/calendar/{type}", "calendarOfType", "The events of a type as an iCalendar feed: {type} is its name and .ics", c.askType, plugin.Public()),
		plugin.Get(r, "/calendar/{type}/{entry}", "calendarOfEntry", "One event: {entry} is its identifier or slug and .ics, or .jsonld for schema.org", c.askEntry, plugin.Public()),
		plugin.Get(r, "/calendar/{type}/series/{series}", "calendarOfSeries", "The events of a series: {series} is its identifier or slug and .ics", c.askSeries, plugin.Public()))
}

// Start implements plugin.Starter.
func (c *calendar) Start(_ context.Context, h plugin.Host) error {
	c.host = h
	return nil
}
