
// A share in [0, 1] as text.
const PERCENT = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });

function percent(share) {
  return PERCENT.format(share).replace("%", " %");
}
