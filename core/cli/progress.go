package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress is a bar on a terminal. On anything else it is silent.
type progress struct {
	w     io.Writer // nil is silent
	label string
	begun time.Time
	shown time.Time
	width int
}

const (
	barWidth     = 30
	barEvery     = 100 * time.Millisecond
	widestNumber = 24
)

func (p *program) progress(label string) *progress {
	b := &progress{label: label, begun: time.Now()}
	if f, ok := p.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		b.w = f
	}
	return b
}

// at shows how much is done, and of how much (0 when nobody knows).
func (b *progress) at(done, of int) {
	if b.w == nil || time.Since(b.shown) < barEvery {
		return
	}
	b.shown = time.Now()
	line := b.line(done, of, b.shown.Sub(b.begun))
	pad := max(0, b.width-len([]rune(line)))
	b.width = len([]rune(line))
	fmt.Fprint(b.w, "\r"+line+strings.Repeat(" ", pad))
}

func (b *progress) line(done, of int, since time.Duration) string {
	rate := int(float64(done) / max(since.Seconds(), 0.001))
	if of <= 0 {
		return fmt.Sprintf("%s  %s  %s/s", b.label, thousands(done), thousands(rate))
	}
	full := min(barWidth, barWidth*done/of)
	bar := strings.Repeat("█", full) + strings.Repeat("░", barWidth-full)
	return fmt.Sprintf("%s  %s %3d %%  %s of %s  %s/s", b.label, bar, 100*min(done, of)/of, thousands(done), thousands(of), thousands(rate))
}

// end takes the bar away.
func (b *progress) end() {
	if b.w != nil && b.width > 0 {
		fmt.Fprint(b.w, "\r"+strings.Repeat(" ", b.width)+"\r")
	}
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	b.Grow(widestNumber)
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
