// Package schemas holds the content types that Palabre ships, one JSON Schema a file, named after the type.
//
// They are what a website about local democracy needs: case studies (fiche), posts, events, partners, the minutes of
// committees, and what these refer to: organizations, people, tools, terms of vocabularies and pages. Anyone may
// use others: see the setting "schemas".
package schemas

import (
	"embed"
	"io/fs"
)

// FS holds the content types: fiche.json and so on.
//
//go:embed *.json
var FS embed.FS

// All gives the text of every content type by its name, those that others refer to among them.
func All() (map[string][]byte, error) {
	files, err := fs.Glob(FS, "*.json")
	if err != nil {
		return nil, err
	}
	all := make(map[string][]byte, len(files))
	for _, file := range files {
		text, err := FS.ReadFile(file)
		if err != nil {
			return nil, err
		}
		all[file[:len(file)-len(".json")]] = text
	}
	return all, nil
}
