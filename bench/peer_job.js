// The integration job as both peers run it: the deal in `d` becomes the order the hub's mapping makes of it.
function job(d) {
  const pick = (table, key) => {
    if (!(key in table)) throw new Error('unknown code ' + key);
    return table[key];
  };
  const money = (x) => Math.round(x * 100) / 100;
  const terms = { net_15: 'NET15', net_30: 'NET30', net_60: 'NET60' };
  const tax = { standard: 'S-DE', reduced: 'AA-DE', zero: 'Z-DE' };
  const rates = { standard: 19, reduced: 7, zero: 0 };
  const periods = { P1M: 'monthly', P1Y: 'annual', once: 'one_time' };
  const lines = d.items.map((item, n) => {
    const p = item.properties;
    const net = Number(p.quantity) * Number(p.price) * (1 - Number(p.discount || 0) / 100);
    return {
      line_no: n + 1, external_id: 'crm:line:' + item.id, sku: p.sku.toUpperCase(),
      description: p.name.slice(0, 60), quantity: Number(p.quantity), unit_price: Number(p.price),
      discount: Number(p.discount || 0), net_amount: money(net),
      tax_amount: money(net * pick(rates, p.tax_group) / 100), tax_code: pick(tax, p.tax_group),
      recurrence: pick(periods, p.period || 'once'),
    };
  });
  const net_total = money(lines.reduce((sum, line) => sum + line.net_amount, 0));
  const tax_total = money(lines.reduce((sum, line) => sum + line.tax_amount, 0));
  const order = {
    external_id: 'crm:deal:' + d.deal.id,
    order_date: new Date(d.deal.closed_at).toISOString().slice(0, 10),
    currency: d.deal.currency, payment_terms: pick(terms, d.deal.terms), po_number: d.deal.po,
    memo: [d.deal.name, d.deal.po, d.deal.owner].filter(Boolean).join(' / '), starts_on: d.deal.start,
    customer: {
      external_id: 'crm:company:' + d.company.id, name: d.company.name.trim(),
      country: pick({ Germany: 'DE', Austria: 'AT', France: 'FR' }, d.company.country),
      vat_id: d.company.vat_id.replace(/ /g, '').toUpperCase(),
      address: d.company.street + ', ' + d.company.zip + ' ' + d.company.city,
      email: d.contact.email.trim().toLowerCase(), contact: d.contact.first + ' ' + d.contact.last,
    },
    lines,
  };
  return { order, net_total, tax_total, total: money(net_total + tax_total) };
}
