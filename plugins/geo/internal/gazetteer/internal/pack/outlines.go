package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer/internal/packed"
)

// A collection is what is read of a GeoJSON file.
type collection struct {
	Features []struct {
		Geometry   geometry `json:"geometry"`
		Properties struct {
			Code string `json:"code"`
		} `json:"properties"`
	} `json:"features"`
}

// A geometry is a Polygon or a MultiPolygon, told apart when its coordinates are read.
type geometry struct {
	Type        string          `json:"type"`
	Coordinates json.RawMessage `json:"coordinates"`
}

func readOutlines(path string, level int) ([]packed.Outline, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var c collection
	if err := json.NewDecoder(f).Decode(&c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	outlines := make([]packed.Outline, len(c.Features))
	for i, feature := range c.Features {
		polygons, err := feature.Geometry.polygons()
		if err != nil {
			return nil, fmt.Errorf("%s: the outline of %s: %w", path, feature.Properties.Code, err)
		}
		outlines[i] = packed.Outline{Level: level, Code: feature.Properties.Code, Polygons: polygons}
	}
	slices.SortFunc(outlines, func(a, b packed.Outline) int { return strings.Compare(a.Code, b.Code) })
	return outlines, nil
}

func (g geometry) polygons() ([][][]packed.Point, error) {
	var many [][][][2]float64
	switch g.Type {
	case "Polygon":
		many = make([][][][2]float64, 1)
		if err := json.Unmarshal(g.Coordinates, &many[0]); err != nil {
			return nil, err
		}
	case "MultiPolygon":
		if err := json.Unmarshal(g.Coordinates, &many); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("a %q is neither a Polygon nor a MultiPolygon", g.Type)
	}
	cleaned := clean(many)
	if cleaned == nil {
		return nil, errors.New("it has no area")
	}
	return cleaned, nil
}

// clean rounds, winds and closes polygons as packed.Outline wants them, and drops what rounding has made flat.
func clean(polygons [][][][2]float64) [][][]packed.Point {
	var out [][][]packed.Point
	for _, polygon := range polygons {
		var rings [][]packed.Point
		for i, ring := range polygon {
			points := wind(round(ring), i == 0)
			if points == nil && i == 0 {
				break
			}
			if points != nil {
				rings = append(rings, points)
			}
		}
		if rings != nil {
			out = append(out, rings)
		}
	}
	return out
}

// round gives the points of a ring without those that fall on the one before them, and without the closing one.
func round(ring [][2]float64) []packed.Point {
	points := make([]packed.Point, len(ring))
	for i, p := range ring {
		points[i] = packed.Point{fixed(p[0]), fixed(p[1])}
	}
	points = slices.Compact(points)
	if len(points) > 1 && points[0] == points[len(points)-1] {
		points = points[:len(points)-1]
	}
	return points
}

// wind turns a ring counterclockwise, or clockwise for a hole. A ring without area gives nil.
func wind(ring []packed.Point, outer bool) []packed.Point {
	area := int64(0)
	for i, p := range ring {
		next := ring[(i+1)%len(ring)]
		area += int64(p[0])*int64(next[1]) - int64(next[0])*int64(p[1])
	}
	if area == 0 {
		return nil
	}
	if (area > 0) != outer {
		slices.Reverse(ring)
	}
	return ring
}
