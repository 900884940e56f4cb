package calendar

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a server's own list of time zones may be old or missing

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// happening is an entry as an event, or a session of one.
type happening struct {
	id          string // of the entry; of a session, made from it
	partOf      *happening
	rev         int64 // that was published
	created     time.Time
	updated     time.Time
	lang        core.Locale // that it was served in
	title       string
	description string
	page        string
	start, end  time.Time // in the event's time zone; a zero end is none
	allDay      bool      // only their days count
	place       venue
	point       *point
	standing    standing
	mode        mode
	categories  []string
	former      []time.Time
	sessions    []*happening
}

type venue struct{ name, street, postcode, city string }

// line is the venue as an envelope has it, in one line.
func (v venue) line() string {
	parts := []string{v.name, v.street, strings.TrimSpace(v.postcode + " " + v.city)}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

type point struct{ lat, lon float64 }

// standing is whether an event takes place, and when.
type standing int

const (
	planned standing = iota
	tentative
	moved       // to the time that it has now
	postponed   // to a time that is not known yet
	movedOnline // from a place
	cancelled
)

type mode int

const (
	unknownMode mode = iota
	onSite
	online
	mixed
)

// read finds an event in an entry as the API shows it; false for one without a date. A field that the caller may not see is
// one that the entry does not have.
func (m *Mapping) read(t *core.Type, doc map[string]any) (*happening, bool) {
	zone := zoneNamed(jsondoc.Text(doc, m.Timezone))
	h := &happening{id: jsondoc.Text(doc, "_id"), rev: integer(doc, "_rev"), lang: core.Locale(jsondoc.Text(doc, "_locale")),
		title: jsondoc.Text(doc, cmp.Or(m.Title, t.TitleField)), page: cmp.Or(m.Page.Fill(doc), webAddress(jsondoc.Text(doc, m.URL))), place: placeOf(doc, m.Place), point: pointOf(doc, m.Point)}
	h.created, _ = moment(jsondoc.Text(doc, "_createdAt"), time.UTC)
	h.updated, _ = moment(jsondoc.Text(doc, "_updatedAt"), time.UTC)
	for _, field := range m.Description {
		h.description = cmp.Or(h.description, jsondoc.Text(doc, field))
	}
	if !h.when(jsondoc.Text(doc, m.Start), jsondoc.Text(doc, m.End), zone) {
		return nil, false
	}
	h.allDay = h.allDay || truth(doc, m.AllDay)
	for _, v := range jsondoc.Texts(doc, m.Former) {
		if at, ok := moment(v, zone); ok && !at.Equal(h.start) {
			h.former = append(h.former, at)
		}
	}
	h.standing, h.mode = m.Words.standing(jsondoc.Text(doc, m.Status), len(h.former) > 0), m.Words.mode(jsondoc.Text(doc, m.Mode))
	h.categories = jsondoc.Texts(doc, m.Categories)
	h.sessions = m.Sessions.read(doc, h, zone)
	return h, true
}

// when sets the times; false without a start. A day alone is a whole one, and an end before the start is a slip that would
// make calendars refuse the event.
func (h *happening) when(start, end string, zone *time.Location) (ok bool) {
	if h.start, ok = moment(start, zone); !ok {
		return false
	}
	h.allDay = len(start) == len(time.DateOnly)
	if h.end, _ = moment(end, zone); h.end.Before(h.start) {
		h.end = time.Time{}
	}
	return true
}

// standing reads a status. An event that has a former date and goes on has been moved, whatever its status is by now.
func (w *Words) standing(status string, hasFormer bool) standing {
	switch {
	case slices.Contains(w.Cancelled, status):
		return cancelled
	case slices.Contains(w.MovedOnline, status):
		return movedOnline
	case slices.Contains(w.Postponed, status) && !hasFormer:
		return postponed
	case hasFormer:
		return moved
	case slices.Contains(w.Tentative, status):
		return tentative
	}
	return planned
}

func (w *Words) mode(value string) mode {
	switch {
	case slices.Contains(w.OnSite, value):
		return onSite
	case slices.Contains(w.Online, value):
		return online
	case slices.Contains(w.Mixed, value):
		return mixed
	}
	return unknownMode
}

// read finds the sessions of an event.
func (s *Sessions) read(doc map[string]any, of *happening, zone *time.Location) []*happening {
	if s.List == "" {
		return nil
	}
	var all []*happening
	for _, v := range jsondoc.Values(doc, s.List) {
		one, _ := v.(map[string]any)
		h := &happening{partOf: of, rev: of.rev, created: of.created, updated: of.updated, lang: of.lang, title: jsondoc.Text(one, s.Title), page: of.page, point: of.point,
			description: jsondoc.Text(one, s.Description), place: of.place, standing: of.standing, mode: of.mode}
		if room := jsondoc.Text(one, s.Place); room != "" {
			h.place.name = strings.TrimSuffix(room+", "+of.place.name, ", ")
		}
		if h.when(jsondoc.Text(one, s.Start), jsondoc.Text(one, s.End), zone) {
			all = append(all, h)
		}
	}
	name(all)
	return all
}

// name gives sessions identifiers that stay when a session moves or others come and go: they are made from the title, and
// among equals, as of breaks, from their order in time.
func name(sessions []*happening) {
	slices.SortStableFunc(sessions, func(a, b *happening) int { return a.start.Compare(b.start) })
	seen := map[string]int{}
	for _, h := range sessions {
		seen[h.title]++
		sum := sha256.Sum256([]byte(h.title))
		h.id = h.partOf.id + "-" + hex.EncodeToString(sum[:6]) + "-" + strconv.Itoa(seen[h.title])
	}
}

// webAddress is an address that may be shown as a link; "" for anything else.
func webAddress(s string) string {
	if strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") {
		return s
	}
	return ""
}

// placeOf reads a place that is a text or an object.
func placeOf(doc map[string]any, field string) venue {
	if s := jsondoc.Text(doc, field); s != "" {
		return venue{name: s}
	}
	v, _ := jsondoc.Lookup(doc, field)
	place, _ := v.(map[string]any)
	return venue{jsondoc.Text(place, "name"), jsondoc.Text(place, "street"), jsondoc.Text(place, "postcode"), jsondoc.Text(place, "city")}
}

// pointOf reads a GeoJSON point, which has the longitude first.
func pointOf(doc map[string]any, field string) *point {
	v, _ := jsondoc.Lookup(doc, field)
	geometry, _ := v.(map[string]any)
	place, _ := geometry["coordinates"].([]any)
	if geometry["type"] != "Point" || len(place) < 2 {
		return nil
	}
	lon, err1 := strconv.ParseFloat(fmt.Sprint(place[0]), 64)
	lat, err2 := strconv.ParseFloat(fmt.Sprint(place[1]), 64)
	if err1 != nil || err2 != nil {
		return nil
	}
	return &point{lat, lon}
}

func truth(doc map[string]any, path string) bool {
	v, _ := jsondoc.Lookup(doc, path)
	return v == true
}

func integer(doc map[string]any, path string) int64 {
	v, _ := jsondoc.Lookup(doc, path)
	n, _ := v.(json.Number)
	i, _ := n.Int64()
	return i
}

// moment reads a time or a day.
func moment(s string, zone *time.Location) (time.Time, bool) {
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at.In(zone), true
	}
	at, err := time.ParseInLocation(time.DateOnly, s, zone)
	return at, err == nil
}

// zoneNamed gives a time zone by its name, UTC for one that nobody knows. "Local" is the server's: nobody's business.
func zoneNamed(name string) *time.Location {
	if zone, err := time.LoadLocation(name); err == nil && name != "Local" {
		return zone
	}
	return time.UTC
}
