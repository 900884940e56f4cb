package calendar_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// changed is when an event was last published, as a calendar writes it.
func changed(t *testing.T, h *plugintest.Host, id string) string {
	t.Helper()
	at, err := time.Parse(time.RFC3339, fmt.Sprint(h.Get("/api/v1/content/event/" + id).OK().Body["_updatedAt"]))
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC().Format("20060102T150405Z")
}

func TestFeed(t *testing.T) {
	t.Parallel()
	h := node(t)
	id := string(h.CreateLive("event", colloquium(doc{"registrationUrl": "https://example.org/inscription?a=1,2;b=3"})).OK().ID)
	has(t, only(t, h, "/calendar/event.ics"), map[string]string{
		"UID": id, "DTSTAMP": changed(t, h, id), "LAST-MODIFIED": changed(t, h, id), "SEQUENCE": "1", "STATUS": "CONFIRMED",
		"DTSTART": ";TZID=Europe/Paris20300624T090000", "DTEND": ";TZID=Europe/Paris20300624T173000", "SUMMARY": "Colloque Engagement citoyen",
		"LOCATION": `Maison des associations\, 1 rue de l’Exemple\, 68100 Mulhouse`, "GEO": "47.750800;7.338900", "CATEGORIES": "civic tech",
		"DESCRIPTION": "Une journée pour débattre.", "URL": "https://example.org/inscription?a=1,2;b=3"})
	e := only(t, h, "/calendar/event.ics")
	if start, err := e.DateTimeStart(nil); err != nil || !start.Equal(time.Date(2030, 6, 24, 7, 0, 0, 0, time.UTC)) {
		t.Errorf("it starts at %v (%v)", start, err)
	}
}

// The zone is there with its rule, so that a calendar need not know it.
func TestFeed_timezone(t *testing.T) {
	t.Parallel()
	h := node(t)
	h.CreateLive("event", colloquium(nil)).OK()
	h.CreateLive("event", colloquium(doc{"dates": doc{"start": "2030-11-20T09:00:00+04:00", "timezone": "Indian/Reunion"}})).OK()
	h.CreateLive("event", colloquium(doc{"dates": doc{"start": "2030-07-20T09:00:00-04:00", "timezone": "America/New_York"}})).OK()
	h.CreateLive("event", colloquium(doc{"dates": doc{"start": "2030-07-20T09:00:00Z", "timezone": "Nowhere/Known"}})).OK()
	text := h.Get("/calendar/event.ics").OK().Text
	for _, want := range []string{
		"REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n",
		"BEGIN:VTIMEZONE\r\nTZID:Europe/Paris\r\n",
		"BEGIN:DAYLIGHT\r\nDTSTART:20290325T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nTZNAME:CEST\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nEND:DAYLIGHT\r\n",
		"BEGIN:STANDARD\r\nDTSTART:20291028T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nTZNAME:CET\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nEND:STANDARD\r\n",
		"TZID:Indian/Reunion\r\n", "TZOFFSETTO:+0400\r\n",
		"BEGIN:DAYLIGHT\r\nDTSTART:20300310T020000\r\nTZOFFSETFROM:-0500\r\nTZOFFSETTO:-0400\r\nTZNAME:EDT\r\nEND:DAYLIGHT\r\n",
		"DTSTART:20300720T090000Z\r\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	parsed(t, text)
	parsed(t, h.Get("/calendar/event.ics?filter[kind]=webinaire").OK().Text)
}

// An event that moves keeps its UID, and each version has a higher SEQUENCE than the one before.
func TestFeed_changes(t *testing.T) {
	t.Parallel()
	h := node(t)
	id := h.CreateLive("event", colloquium(nil)).OK().ID
	publish := func(patch doc) {
		h.Update("event", id, patch).OK()
		h.Move("event", id, "publish").OK()
	}
	first := changed(t, h, string(id))
	h.Update("event", id, doc{"title": "Not yet"}).OK()
	has(t, only(t, h, "/calendar/event.ics"), map[string]string{"SEQUENCE": "1", "SUMMARY": "Colloque Engagement citoyen", "LAST-MODIFIED": first})
	publish(doc{"title": "Colloque", "eventStatus": "reporte"})
	has(t, only(t, h, "/calendar/event.ics"), map[string]string{"SEQUENCE": "4", "SUMMARY": "Reporté\u00a0: Colloque", "STATUS": "TENTATIVE", "LAST-MODIFIED": changed(t, h, string(id))})
	publish(doc{"dates": doc{"start": "2030-10-19T09:00:00+02:00", "end": nil}, "previousDates": []any{doc{"start": "2030-06-24T09:00:00+02:00", "changedOn": "2030-01-01"}}})
	has(t, only(t, h, "/calendar/event.ics"), map[string]string{"UID": string(id), "SEQUENCE": "6", "SUMMARY": "Colloque", "STATUS": "CONFIRMED", "DTSTART": ";TZID=Europe/Paris20301019T090000", "DTEND": ""})
	publish(doc{"eventStatus": "annule"})
	has(t, only(t, h, "/calendar/event.ics?lang=en"), map[string]string{"UID": string(id), "SEQUENCE": "8", "STATUS": "CANCELLED", "LAST-MODIFIED": changed(t, h, string(id))})
}

func TestFeed_wholeDays(t *testing.T) {
	t.Parallel()
	h := node(t)
	h.CreateLive("event", colloquium(doc{"dates": doc{"start": "2030-06-22T00:00:00+02:00", "end": "2030-06-24T00:00:00+02:00", "allDay": true}})).OK()
	has(t, only(t, h, "/calendar/event.ics"), map[string]string{"DTSTART": ";VALUE=DATE20300622", "DTEND": ";VALUE=DATE20300625"})
}

// What people write does not break out of its line.
func TestFeed_hostileText(t *testing.T) {
	t.Parallel()
	h := node(t)
	title := "a;b,c\\d\" é" + strings.Repeat("éà€😀", 30) + " end"
	lead := "one\r\nEND:VEVENT\r\nEND:VCALENDAR\rtwo\u2028three\tfour"
	h.CreateLive("event", colloquium(doc{"title": title, "lead": lead})).OK()
	all := events(t, h, "/calendar/event.ics")
	if len(all) != 1 {
		t.Fatalf("there are %d events", len(all))
	}
	if got, _ := all[0].Props.Text("SUMMARY"); got != title {
		t.Errorf("the title is %q", got)
	}
	if got, _ := all[0].Props.Text("DESCRIPTION"); got != "one\nEND:VEVENT\nEND:VCALENDAR\ntwo\nthree\tfour" {
		t.Errorf("the description is %q", got)
	}
}
