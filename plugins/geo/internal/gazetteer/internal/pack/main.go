// Command pack turns the published lists and outlines of the French territories into the compact files that the
// gazetteer embeds:
//
//	go run ./internal/pack <source folder> <target folder>
//
// The source folder holds communes.csv.gz (code, nom, departement, region, siren, epci, population, lat, lon,
// codes_postaux), epci.csv.gz (code, nom, type, population), departements.csv and regions.csv (code, nom, region,
// chef_lieu), and the outlines departements.geojson.gz and regions.geojson.gz (property code). What does not fit
// together, such as a commune of a département that is not listed, is an error.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer/internal/packed"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: pack <source folder> <target folder>")
		os.Exit(2)
	}
	if err := pack(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func pack(source, target string) error {
	if err := packTerritories(source, filepath.Join(target, "territories.gz")); err != nil {
		return err
	}
	return packOutlines(source, filepath.Join(target, "outlines.gz"))
}

func packTerritories(source, target string) error {
	table, err := readTable(source)
	if err != nil {
		return err
	}
	return write(target, func() ([]byte, error) { return packed.EncodeTable(table) })
}

func packOutlines(source, target string) error {
	departements, err := readOutlines(filepath.Join(source, "departements.geojson.gz"), packed.Departements)
	if err != nil {
		return err
	}
	regions, err := readOutlines(filepath.Join(source, "regions.geojson.gz"), packed.Regions)
	if err != nil {
		return err
	}
	return write(target, func() ([]byte, error) { return packed.EncodeOutlines(append(departements, regions...)) })
}

func write(target string, encode func() ([]byte, error)) error {
	content, err := encode()
	if err != nil {
		return err
	}
	return os.WriteFile(target, content, 0o644)
}
