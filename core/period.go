package core

import (
	"strings"
	"time"
)

// Period is a length of time by the calendar, as ISO 8601 writes it: P3Y is three years, whichever days they have. The
// zero Period is no time.
type Period struct {
	Years, Months, Days int
	Clock               time.Duration // hours, minutes and seconds
}

// maxPeriodDigits bounds each figure of a period: what is longer is a slip of the pen, and its sum could not be reckoned with.
const maxPeriodDigits = 5

// ParsePeriod reads P[nY][nM][nW][nD][T[nH][nM][nS]] with whole figures, at least one of them, in this order.
func ParsePeriod(s string) (Period, error) {
	var p Period
	rest, ok := strings.CutPrefix(s, "P")
	date, clock, timed := strings.Cut(rest, "T")
	ok = ok && rest != "" && (!timed || clock != "")
	var weeks, hours, minutes, seconds int
	ok = ok && figures(date, "YMWD", &p.Years, &p.Months, &weeks, &p.Days)
	ok = ok && figures(clock, "HMS", &hours, &minutes, &seconds)
	if !ok {
		return Period{}, Errorf(CodeInvalid, "%.40q is no ISO 8601 duration, like P3Y, P6M or P13M7D", s)
	}
	p.Days += 7 * weeks
	p.Clock = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute + time.Duration(seconds)*time.Second
	return p, nil
}

// figures reads numbers that are each followed by one of the units, in their order, none twice.
func figures(s, units string, into ...*int) bool {
	for s != "" {
		digits := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
		if digits < 1 || digits > maxPeriodDigits {
			return false
		}
		unit := strings.IndexByte(units, s[digits])
		if unit < 0 {
			return false
		}
		for _, c := range s[:digits] {
			*into[unit] = *into[unit]*10 + int(c-'0')
		}
		s, units, into = s[digits+1:], units[unit+1:], into[unit+1:]
	}
	return true
}

// After gives the moment a period after another. A month that is too short ends on its last day: one month after the 31st
// of January is the last of February.
func (p Period) After(t time.Time) time.Time {
	first := time.Date(t.Year()+p.Years, t.Month()+time.Month(p.Months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	day := min(t.Day(), first.AddDate(0, 1, -1).Day())
	return first.AddDate(0, 0, day-1+p.Days).Add(p.Clock)
}
