package calendar

import (
	"fmt"
	"maps"
	"slices"
	"time"

	ics "github.com/arran4/golang-ical"
)

// addZones describes the time zones that the events are told in; without events, that of the shipped types.
func addZones(cal *ics.Calendar, events []*happening) {
	spans := map[string]*span{}
	for _, h := range events {
		if zone := h.start.Location(); zone != time.UTC && !h.allDay {
			spans[zone.String()] = spans[zone.String()].with(h.start, h.end)
		}
	}
	if len(events) == 0 {
		spans["Europe/Paris"] = (*span)(nil).with(time.Date(2030, 1, 1, 0, 0, 0, 0, zoneNamed("Europe/Paris")))
	}
	for _, name := range slices.Sorted(maps.Keys(spans)) {
		cal.AddVTimezone(timezone(name, spans[name]))
	}
}

// span is the time that the events of a zone take up.
type span struct{ from, to time.Time }

func (s *span) with(times ...time.Time) *span {
	for _, at := range times {
		switch {
		case at.IsZero():
		case s == nil:
			s = &span{at, at}
		case at.Before(s.from):
			s.from = at
		case at.After(s.to):
			s.to = at
		}
	}
	return s
}

// change is a moment at which the clocks of a zone change.
type change struct {
	clock         string // what they showed when it came
	weekday       string // in an RRULE; "" where it is not the last Sunday of its month
	month         time.Month
	hour          string
	before, after int // seconds east of UTC
	name          string
	summer        bool
}

// changeAt tells of the change with which a zone came to what holds at a time.
func changeAt(at time.Time) change {
	c := change{clock: "19700101T000000", summer: at.IsDST()}
	c.name, c.after = at.Zone()
	c.before = c.after
	start, _ := at.ZoneBounds()
	if start.IsZero() {
		return c
	}
	_, c.before = start.Add(-time.Second).Zone()
	wall := start.UTC().Add(time.Duration(c.before) * time.Second)
	c.clock, c.month, c.hour = wall.Format(localForm), wall.Month(), wall.Format(time.TimeOnly)
	if wall.Weekday() == time.Sunday && wall.AddDate(0, 0, 7).Month() != wall.Month() {
		c.weekday = "-1SU"
	}
	return c
}

// changes are those that matter within a span and the year before, so that winter and summer are both there.
func changes(s *span) []change {
	var all []change
	for at := s.from.AddDate(-1, 0, 0); ; {
		all = append(all, changeAt(at))
		_, end := at.ZoneBounds()
		if end.IsZero() || end.After(s.to) {
			return all
		}
		at = end
	}
}

// yearly gives the two changes that a zone repeats each year on the last Sunday of a month, as all of Europe does; nil for
// any other zone.
func yearly(all []change) []change {
	var once []change
	for _, c := range all {
		same := func(o change) bool {
			return o.month == c.month && o.hour == c.hour && o.after == c.after && o.before == c.before
		}
		if c.weekday == "" {
			return nil
		}
		if !slices.ContainsFunc(once, same) {
			once = append(once, c)
		}
	}
	if len(once) != 2 {
		return nil
	}
	return once
}

// timezone writes a zone: by its rule where it has one, for the years to come, else change by change.
func timezone(name string, s *span) *ics.VTimezone {
	tz := ics.NewTimezone(name)
	all := changes(s)
	rule := yearly(all)
	if rule != nil {
		all = rule
	}
	for _, c := range all {
		tz.Components = append(tz.Components, c.component(rule != nil))
	}
	return tz
}

func (c change) component(repeats bool) ics.Component {
	var b ics.ComponentBase
	b.SetProperty(ics.ComponentPropertyDtStart, c.clock)
	b.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetfrom), offset(c.before))
	b.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetto), offset(c.after))
	b.SetProperty(ics.ComponentProperty(ics.PropertyTzname), c.name)
	if repeats {
		b.SetProperty(ics.ComponentPropertyRrule, fmt.Sprintf("FREQ=YEARLY;BYMONTH=%d;BYDAY=%s", c.month, c.weekday))
	}
	if c.summer {
		return &ics.Daylight{ComponentBase: b}
	}
	return &ics.Standard{ComponentBase: b}
}

// offset writes seconds east of UTC as +0100.
func offset(seconds int) string {
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	s := fmt.Sprintf("%c%02d%02d", sign, seconds/3600, seconds/60%60)
	if rest := seconds % 60; rest != 0 {
		s += fmt.Sprintf("%02d", rest)
	}
	return s
}
