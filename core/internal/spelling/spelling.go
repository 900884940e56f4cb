// Package spelling finds the name that a misspelt one most likely meant, for errors that say so.
package spelling

import (
	"slices"
	"strings"
)

// longest is how many bytes of a name are compared: what is longer is no typing error.
const longest = 100

// Nearest gives the name that differs least from what was written, in letters, whatever their case; the first in the
// alphabet of several, and "" when none is like it. A dotted name may have been meant by its last part.
func Nearest(written string, names []string) string {
	if len(written) > longest {
		return ""
	}
	best, distance := "", 2*(len(written)/3+2)
	for _, name := range slices.Sorted(slices.Values(names)) {
		if d := apart(strings.ToLower(written), strings.ToLower(name)); d < distance {
			best, distance = name, d
		}
	}
	return best
}

// apart measures how much two names differ, in half letters: a field in a group may have been meant by its own name alone,
// but one that is not in a group is as likely again.
func apart(written, name string) int {
	d := 2 * edits(written, name)
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 && !strings.Contains(written, ".") {
		d = min(d, 2*edits(written, name[dot+1:])+1)
	}
	return d
}

// edits counts the letters to add, take out or change to make one word of the other (Levenshtein).
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := diagonal
			if x[i] != y[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(y)]
}
