package bench

import (
	"fmt"
	"io"
	"time"
)

// Figure is one row of the table.
type Figure struct {
	Name     string
	Measured float64
	Target   float64 // 0 when there is none
	Unit     string
	Least    bool // the target is a minimum, not a maximum
	Note     string
}

// Met reports whether the target is reached.
func (f Figure) Met() bool {
	return f.Target == 0 || f.Least == (f.Measured >= f.Target) || f.Measured == f.Target
}

// Write prints the table.
func Write(w io.Writer, figures []Figure) error {
	if _, err := fmt.Fprintf(w, "%-58s %12s  %14s     %s\n", "", "measured", "target", ""); err != nil {
		return err
	}
	for _, f := range figures {
		if _, err := fmt.Fprintf(w, "%-58s %12s  %14s  %s  %s\n", f.Name, number(f.Measured, f.Unit), f.target(), f.mark(), f.Note); err != nil {
			return err
		}
	}
	return nil
}

func (f Figure) target() string {
	sign := "<"
	if f.Least {
		sign = ">"
	}
	if f.Target == 0 {
		return ""
	}
	return sign + " " + number(f.Target, f.Unit)
}

func (f Figure) mark() string {
	switch {
	case f.Target == 0:
		return "  "
	case f.Met():
		return "ok"
	}
	return "NO"
}

func number(v float64, unit string) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.0f %s", v, unit)
	case v >= 10:
		return fmt.Sprintf("%.1f %s", v, unit)
	}
	return fmt.Sprintf("%.3g %s", v, unit)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
