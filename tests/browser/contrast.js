// Whether the chosen segment and the open tab can be read: text against ground at least 4.5 : 1 (WCAG 2.2, 1.4.3).
() => {
    const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgba = (color) => {
        paint.clearRect(0, 0, 1, 1);
        paint.fillStyle = color;
        paint.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
    const over = (below, above) => [0, 1, 2].map((i) => above[i] * above[3] + below[i] * (1 - above[3]));
    const ground = (element) => {
        const layers = [];
        for (let node = element; node; node = node.parentElement) {
            layers.unshift(rgba(getComputedStyle(node).backgroundColor));
        }
        return layers.reduce(over, [255, 255, 255]);
    };
    const ratio = (element) => {
        const text = getComputedStyle(element.querySelector("p") || element).color;
        const [a, b] = [light(rgba(text)), light(ground(element))];
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    };
    const chosen = document.querySelectorAll("[role=radio][aria-checked=true], [role=tab][aria-selected=true]");
    return [...chosen].filter((e) => e.getClientRects().length).every((e) => ratio(e) >= 4.5);
}
