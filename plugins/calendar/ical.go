package calendar

import (
	"fmt"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"github.com/palabre-cms/palabre/core"
)

// refresh is how often a subscriber is told to ask again.
const refresh = "PT1H"

// write writes events as a calendar. There is no METHOD: this is what stands, and nothing to answer. A calendar must hold
// something (RFC 5545, section 3.6), so that one without events holds a time zone.
func write(name string, events []*happening) ([]byte, error) {
	cal := &ics.Calendar{}
	cal.SetVersion("2.0")
	cal.SetProductId("-//Palabre//" + ID + " " + version + "//EN")
	if name != "" {
		cal.SetName(clean(name))
		cal.SetRefreshInterval(refresh) // which says that it is a duration
		cal.SetXPublishedTTL(refresh)
	}
	addZones(cal, events)
	for _, h := range events {
		cal.AddVEvent(h.event())
	}
	var b strings.Builder
	err := cal.SerializeTo(&b, ics.WithNewLineWindows, ics.WithLineLength(75))
	return []byte(b.String()), err
}

// event is the event as a VEVENT. Without a METHOD, DTSTAMP is when it was last changed (RFC 5545, section 3.8.7.2).
func (h *happening) event() *ics.VEvent {
	e := ics.NewEvent(h.id)
	e.SetDtStampTime(h.updated)
	e.SetLastModifiedAt(h.updated)
	e.SetSequence(int(h.rev))
	if !h.created.IsZero() {
		e.SetCreatedTime(h.created)
	}
	h.setTimes(e)
	e.SetSummary(clean(h.summary()))
	e.SetStatus(h.status())
	set(e, ics.ComponentPropertyDescription, clean(h.description))
	set(e, ics.ComponentPropertyLocation, clean(h.place.line()))
	set(e, ics.ComponentPropertyUrl, strings.Join(strings.Fields(clean(h.page)), ""))
	if h.point != nil {
		set(e, ics.ComponentPropertyGeo, fmt.Sprintf("%.6f;%.6f", h.point.lat, h.point.lon))
	}
	for _, category := range h.categories {
		e.AddCategory(clean(category))
	}
	if h.partOf != nil {
		e.SetProperty(ics.ComponentPropertyRelatedTo, h.partOf.id)
	}
	return e
}

func set(e *ics.VEvent, p ics.ComponentProperty, value string) {
	if value != "" {
		e.SetProperty(p, value)
	}
}

const (
	dayForm   = "20060102"
	localForm = "20060102T150405"
	utcForm   = "20060102T150405Z"
)

// setTimes writes when the event is. The end of a whole day is the day after.
func (h *happening) setTimes(e *ics.VEvent) {
	if h.allDay {
		last := h.start
		if !h.end.IsZero() {
			last = h.end
		}
		e.SetProperty(ics.ComponentPropertyDtStart, h.start.Format(dayForm), ics.WithValue(string(ics.ValueDataTypeDate)))
		e.SetProperty(ics.ComponentPropertyDtEnd, last.AddDate(0, 0, 1).Format(dayForm), ics.WithValue(string(ics.ValueDataTypeDate)))
		return
	}
	setTime(e, ics.ComponentPropertyDtStart, h.start)
	if !h.end.IsZero() {
		setTime(e, ics.ComponentPropertyDtEnd, h.end)
	}
}

// setTime writes a time by the clock of its place: that is what holds when the rules of the place change.
func setTime(e *ics.VEvent, p ics.ComponentProperty, at time.Time) {
	if at.Location() == time.UTC {
		e.SetProperty(p, at.Format(utcForm))
		return
	}
	e.SetProperty(p, at.Format(localForm), ics.WithTZID(at.Location().String()))
}

func (h *happening) status() ics.ObjectStatus {
	switch h.standing {
	case cancelled:
		return ics.ObjectStatusCancelled
	case postponed, tentative:
		return ics.ObjectStatusTentative
	}
	return ics.ObjectStatusConfirmed
}

// said is what the title begins with: few calendars show a status.
var said = map[standing]core.Text{
	cancelled: {"en": "Cancelled: ", "fr": "Annulé\u00a0: "},
	postponed: {"en": "Postponed: ", "fr": "Reporté\u00a0: "},
}

func (h *happening) summary() string {
	if words, ok := said[h.standing]; ok {
		return words.In(h.lang) + h.title
	}
	return h.title
}

// clean takes out what iCalendar cannot hold: control characters but for tabs and line breaks.
func clean(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\u2028' || r == '\u2029':
			return '\n'
		case r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0:
			return -1
		}
		return r
	}, s)
}
