package report

import (
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// chart is one picture: for each proxy a series of values, one for each place on the x axis.
type chart struct {
	file      string
	title     string
	unit      string
	places    []string
	series    []series
	connected bool // the places are a sequence: draw lines between them
	log       bool
}

// series is the values of one proxy. A value that was not measured is 0.
type series struct {
	proxy  string
	values []float64
}

// palette gives each proxy its colour in all charts (Okabe and Ito's, told apart by the colour-blind) and its shape.
var palette = map[string]struct {
	color color.Color
	shape draw.GlyphDrawer
}{
	"headgate": {color.RGBA{R: 0xD5, G: 0x5E, A: 0xFF}, draw.CircleGlyph{}},
	"haproxy":  {color.RGBA{G: 0x72, B: 0xB2, A: 0xFF}, draw.BoxGlyph{}},
	"nginx":    {color.RGBA{G: 0x9E, B: 0x73, A: 0xFF}, draw.PyramidGlyph{}},
	"vmauth":   {color.RGBA{R: 0xCC, G: 0x79, B: 0xA7, A: 0xFF}, draw.SquareGlyph{}},
	Direct:     {color.RGBA{R: 0x80, G: 0x80, B: 0x80, A: 0xFF}, draw.CrossGlyph{}},
}

// charted are the proxies in the order of the legend.
var charted = []string{"headgate", "haproxy", "nginx", "vmauth"}

// WriteCharts draws what a run measured into a folder, as SVG files with fixed names, and returns the names. A chart for
// which nothing was measured is left out.
func WriteCharts(dir string, r *Run) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("draw charts: %w", err)
	}
	var names []string
	for _, c := range charts(r) {
		c.series = slices.DeleteFunc(c.series, func(s series) bool { return slices.Max(s.values) <= 0 })
		if len(c.series) == 0 {
			continue
		}
		p, err := c.plot()
		if err != nil {
			return nil, fmt.Errorf("draw %s: %w", c.file, err)
		}
		name := filepath.Join(dir, c.file)
		if err := p.Save(22*vg.Centimeter, 11*vg.Centimeter, name); err != nil {
			return nil, fmt.Errorf("draw %s: %w", c.file, err)
		}
		names = append(names, name)
	}
	return names, nil
}

func (c chart) plot() (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.Y.Label.Text = c.title, c.unit
	p.Title.Padding = vg.Points(8)
	p.NominalX(c.places...)
	// On the right is room for the legend.
	p.X.Min, p.X.Max = -0.5, float64(len(c.places))*1.15-0.5
	p.Legend.Top = true
	grid := plotter.NewGrid()
	grid.Vertical.Width = 0
	grid.Horizontal.Color = color.Gray{Y: 0xDD}
	p.Add(grid)
	if c.log {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
	for i, s := range c.series {
		if err := c.draw(p, s, i); err != nil {
			return nil, err
		}
	}
	if c.log {
		// Whole powers of ten, with room above for the labels.
		p.Y.Min = math.Pow(10, math.Floor(math.Log10(p.Y.Min)))
		p.Y.Max = math.Pow(10, math.Ceil(math.Log10(p.Y.Max*1.5)))
	} else {
		p.Y.Min, p.Y.Max = 0, p.Y.Max*1.25
	}
	return p, nil
}

// draw adds the i-th series: points, side by side where they are not connected, each with its value above it.
func (c chart) draw(p *plot.Plot, s series, i int) error {
	style := palette[s.proxy]
	shift := 0.0
	if !c.connected {
		shift = 0.2 * (float64(i) - float64(len(c.series)-1)/2)
	}
	var points plotter.XYs
	var texts []string
	for place, value := range s.values {
		if value > 0 {
			points = append(points, plotter.XY{X: float64(place) + shift, Y: value})
			texts = append(texts, short(value))
		}
	}
	line, marks, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	line.Color, marks.Color, marks.Shape, marks.Radius = style.color, style.color, style.shape, vg.Points(4)
	if c.connected {
		p.Add(line)
	}
	labels, err := plotter.NewLabels(plotter.XYLabels{XYs: points, Labels: texts})
	if err != nil {
		return err
	}
	for j := range labels.TextStyle {
		labels.TextStyle[j].Color, labels.TextStyle[j].Font.Size = style.color, vg.Points(8)
		labels.TextStyle[j].XAlign = draw.XCenter
	}
	labels.Offset.Y = vg.Points(6)
	p.Add(marks, labels)
	p.Legend.Add(s.proxy, marks)
	return nil
}

// short writes a value with two or three digits that matter.
func short(value float64) string {
	switch {
	case value < 100:
		return fmt.Sprintf("%.1f", value)
	case value < 10_000:
		return fmt.Sprintf("%.0f", value)
	default:
		return fmt.Sprintf("%.0fk", value/1000)
	}
}
