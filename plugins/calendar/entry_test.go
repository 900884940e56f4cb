package calendar_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core/config"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
	"github.com/palabre-cms/palabre/plugins/calendar"
)

func programme() doc {
	session := func(start, end, title, room string) doc {
		return doc{"start": "2030-06-24T" + start + ":00+02:00", "end": "2030-06-24T" + end + ":00+02:00", "title": title, "room": room}
	}
	return doc{"programme": []any{doc{"date": "2030-06-24", "sessions": []any{session("09:00", "10:00", "Ouverture", "Salle A"),
		session("10:00", "10:15", "Pause", ""), session("15:00", "15:15", "Pause", "")}}}}
}

func TestEntry_sessions(t *testing.T) {
	t.Parallel()
	h := node(t)
	id := h.CreateLive("event", colloquium(programme())).OK().ID
	all := events(t, h, "/calendar/event/colloque-engagement-citoyen.ics")
	if len(all) != 4 {
		t.Fatalf("there are %d events", len(all))
	}
	has(t, all[1], map[string]string{"SUMMARY": "Ouverture", "LOCATION": `Salle A\, Maison des associations\, 1 rue de l’Exemple\, 68100 Mulhouse`,
		"RELATED-TO": string(id), "DTSTART": ";TZID=Europe/Paris20300624T090000", "STATUS": "CONFIRMED"})
	uids := map[string]bool{}
	for _, e := range all {
		uids[e.Props.Get("UID").Value] = true
	}
	if len(uids) != 4 {
		t.Errorf("the identifiers are %v", uids)
	}
	changed := programme()["programme"].([]any)
	sessions := changed[0].(doc)["sessions"].([]any)
	sessions[0].(doc)["start"], sessions[0].(doc)["end"] = "2030-06-24T11:00:00+02:00", "2030-06-24T12:00:00+02:00"
	h.Update("event", id, doc{"programme": changed, "eventStatus": "annule"}).OK()
	h.Move("event", id, "publish").OK()
	for _, e := range events(t, h, "/calendar/event/"+string(id)+".ics") {
		if !uids[e.Props.Get("UID").Value] || e.Props.Get("STATUS").Value != "CANCELLED" {
			t.Errorf("a session has become another: %v", e.Props)
		}
	}
	if all := events(t, h, "/calendar/event.ics"); len(all) != 1 {
		t.Errorf("the feed has %d events", len(all))
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	h := node(t)
	term := h.CreateLive("term", doc{"vocabulary": "event_series", "code": "civic-tech", "label": "Petits déjeuners civic tech"}).OK().ID
	h.CreateLive("event", colloquium(doc{"title": "In the series", "series": doc{"_ref": string(term), "_type": "term"}})).OK()
	h.CreateLive("event", colloquium(doc{"title": "Another"})).OK()
	for _, name := range []string{"civic-tech", string(term)} {
		got := h.Get("/calendar/event/series/" + name + ".ics").OK()
		cal := parsed(t, got.Text)
		if all := cal.Events(); len(all) != 1 || all[0].Props.Get("SUMMARY").Value != "In the series" || cal.Props.Get("NAME").Value != "Petits déjeuners civic tech" {
			t.Errorf("%s gives %s", name, got.Text)
		}
	}
	h.Get("/calendar/event/series/other.ics").Status(404)
	h.Move("term", term, "unpublish").OK()
	h.Get("/calendar/event/series/civic-tech.ics").Status(404)
}

func TestJSONLD(t *testing.T) {
	t.Parallel()
	h := node(t, plugintest.Settings(doc{"types": []any{withPage(t)}}))
	d := colloquium(programme())
	d["mode"], d["title"], d["previousDates"] = "hybride", "Colloque </script>", []any{doc{"start": "2030-03-01T09:00:00+01:00"}}
	id := string(h.CreateLive("event", d).OK().ID)
	got := h.Get("/calendar/event/" + id + ".jsonld").OK()
	if kind := got.Header.Get("Content-Type"); kind != "application/ld+json; charset=utf-8" || strings.Contains(got.Text, "</") {
		t.Errorf("%s: %s", kind, got.Text)
	}
	place := doc{"@type": "Place", "name": "Maison des associations", "address": doc{"@type": "PostalAddress", "streetAddress": "1 rue de l’Exemple", "postalCode": "68100", "addressLocality": "Mulhouse"},
		"geo": doc{"@type": "GeoCoordinates", "latitude": 47.7508, "longitude": 7.3389}}
	wanted := doc{"@context": "https://schema.org", "@type": "Event", "identifier": id, "name": "Colloque </script>", "startDate": "2030-06-24T09:00:00+02:00",
		"endDate": "2030-06-24T17:30:00+02:00", "eventStatus": "https://schema.org/EventRescheduled", "previousStartDate": "2030-03-01T09:00:00+01:00",
		"eventAttendanceMode": "https://schema.org/MixedEventAttendanceMode", "url": "https://example.org/evenements/colloque-script",
		"location": []any{place, doc{"@type": "VirtualLocation", "url": "https://example.org/evenements/colloque-script"}}}
	for name, want := range wanted {
		if !same(t, got.Body[name], want) {
			t.Errorf("%s is %v, want %v", name, got.Body[name], want)
		}
	}
	if parts := got.Body["subEvent"].([]any); len(parts) != 3 || parts[0].(map[string]any)["name"] != "Ouverture" {
		t.Errorf("the sessions are %v", parts)
	}
	for status, want := range map[string]string{"annule": "EventCancelled", "passe_en_ligne": "EventMovedOnline", "reporte": "EventPostponed", "complet": "EventScheduled"} {
		id := string(h.CreateLive("event", colloquium(doc{"eventStatus": status})).OK().ID)
		h.Get("/calendar/event/"+id+".jsonld").OK().Has("eventStatus", "https://schema.org/"+want)
	}
}

// withPage is the mapping of the shipped events, with the address of their pages.
func withPage(t *testing.T) doc {
	t.Helper()
	settings := calendar.New().Manifest().Settings
	var schema struct {
		Properties struct{ Types struct{ Default []doc } }
	}
	if err := json.Unmarshal(settings, &schema); err != nil {
		t.Fatal(err)
	}
	m := schema.Properties.Types.Default[0]
	m["page"] = "https://example.org/evenements/{slug}"
	return m
}

func same(t *testing.T, a, b any) bool {
	t.Helper()
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return string(x) == string(y)
}

// Any type will do: days are whole, and a place is a text.
func TestOwnType(t *testing.T) {
	t.Parallel()
	h := node(t, plugintest.Configure(func(*config.Config) {}), plugintest.Settings(doc{"types": []any{doc{"type": "visit", "start": "from", "end": "to", "place": "where"}}}),
		plugintest.Types(`{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Visit","type":"object","unevaluatedProperties":false,"required":["name"],
		"x-type":{"name":"visit","public":true,"titleField":"name","slug":false},
		"properties":{"name":{"type":"string"},"from":{"type":"string","format":"date"},"to":{"type":"string","format":"date"},"where":{"type":"string"}}}`))
	h.CreateLive("visit", doc{"name": "A mill", "from": "2030-05-01", "to": "2030-05-02", "where": "By the river"}).OK()
	undated := h.CreateLive("visit", doc{"name": "Some day"}).OK().ID
	all := events(t, h, "/calendar/visit.ics")
	if len(all) != 1 {
		t.Fatalf("there are %d events", len(all))
	}
	has(t, all[0], map[string]string{"SUMMARY": "A mill", "DTSTART": ";VALUE=DATE20300501", "DTEND": ";VALUE=DATE20300503", "LOCATION": "By the river"})
	h.Get("/calendar/visit/" + string(undated) + ".ics").Status(404)
}
