//! What shops' exports call their columns, folded, the likelier first: those of the common shop systems, tills, market
//! places and mailing tools, in English, German, French, Spanish, Italian, Dutch, Polish, Portuguese, Czech and the languages
//! of Scandinavia.

/// The order's own number. The last ones are so short that other files have them, too: they count where nothing else does.
pub(super) const ORDER_ID: &str = "orderid ordernumber orderno ordernr orderref orderreference orderreferenceid amazonorderid orderincrementid \
    incrementid orderkey order saleid salenumber salesnumber invoiceno invoicenumber invoice basketid \
    transactionid receiptid receiptnumber receiptno checkoutid salesrecordnumber bookingid bestellnummer \
    bestellnr bestellungsnummer bestellungsnr bestellid bestellungid auftragsnummer auftragsnr auftragsid \
    bestellung auftrag rechnungsnummer rechnungsnr belegnummer belegnr bonnummer bonnr vorgangsnummer \
    transaktionsnummer transaktionsid transaktionscode numerodecommande numerocommande ndecommande nodecommande \
    ncommande nocommande idcommande referencecommande referencedecommande referencedelacommande commande \
    numerodefacture numerofacture facture numerodetransaction numerodepedido numerodelpedido numeropedido \
    ndepedido nodepedido npedido nopedido idpedido iddepedido iddelpedido referenciadelpedido pedido \
    numerodefactura factura numeroordine numerodordine numerodellordine nordine idordine riferimentoordine \
    ordine numerofattura bestelnummer bestellingnummer bestellingsnummer bestellingid bestelling factuurnummer \
    ordrenummer ordrenr ordreid ordre bestillingsnummer fakturanummer numerodopedido zamowienie numerzamowienia \
    ordernummer ordername salesorder salesordernumber saleno ticket ticketnumber ticketno ticketid chargeid \
    receipt billnumber billno beleg bestelnr bestelcode bestallningsnummer bestallningsnr bestallningsid \
    bestillingsnr nrzamowienia zamowienienr idzamowienia zamowienieid numerfaktury iddopedido codigodopedido \
    encomenda numerodaencomenda ndaencomenda cisloobjednavky objednavka idobjednavky";
pub(super) const ORDER_ID_SHORT: &str = "id reference referenz referencia riferimento number nummer numero";

/// When it was placed: the instant, or its date.
pub(super) const TIME: &str = "createdat orderdate ordercreatedat orderedat orderplaced orderplacedat placedat orderdatetime ordertimestamp \
    invoicedate datecreated dateordered orderedon purchasedate purchasedat saledate salesdate transactiondate \
    transactiontimestamp timestamp datetime dateandtime date created createddate createdon creationdate \
    paymentdate datepaid processedat dateoforder paiddate paidat bestelldatum bestelltam bestellzeitpunkt \
    auftragsdatum rechnungsdatum belegdatum bondatum kaufdatum datum datumuhrzeit erstelltam zeitpunkt \
    eingangsdatum transaktionsdatum verkaufsdatum datedecommande datecommande datedelacommande dateheure \
    dateetheure dateachat datedachat creele datecreation datedecreation datefacture datedefacture \
    datedetransaction fechadepedido fechadelpedido fechapedido fecha fechayhora fechadecompra fechacreacion \
    fechadecreacion fechadefactura dataordine datadellordine data dataeora dataacquisto datadiacquisto \
    datacreazione datadicreazione besteldatum orderdatum aankoopdatum factuurdatum aangemaaktop datumentijd \
    ordredato bestillingsdato dato kobsdato fakturadato skapad oprettet datadopedido datadacompra dateplaced \
    submittedat completedat dateofpurchase purchasedon orderdateandtime processedon placedon bestellungsdatum \
    datazamowienia datazlozeniazamowienia datazlozenia datazakupu datautworzenia datasprzedazy utworzono \
    datadaencomenda datadecriacao criadoem datumobjednavky datumvytvoreni datumnakupu bestallningsdatum kopdatum \
    inkopsdatum kjopsdato ordretidspunkt opprettet";
/// A whole instant under a header that may also be the time of day beside a date.
pub(super) const TIME_OR_CLOCK: &str = "time ordertime saletime transactiontime paymenttime purchasetime uhrzeit zeit \
    bestellzeit heure heuredecommande hora horadelpedido ora oraordine tijd besteltijd tid tidspunkt klokkeslaet \
    klokkeslett klockslag hour timeofday";
pub(super) const ZONE: &str = "timezone tz zeitzone fuseauhoraire zonahoraria husohorario fusoorario tijdzone tidszone \
    tidssone";

pub(super) const USER_ID: &str = "userid customeruserid accountid";
pub(super) const CUSTOMER_ID: &str = "customerid customernumber customerno customernr customercode householdid clientid clientnumber buyerid \
    buyeruserid shopperid kundennummer kundennr kundenid kundenno kdnr kundeid kundenummer kundenr \
    numerodeclient numeroclient nclient noclient idclient codeclient referenceclient numerodecliente \
    numerocliente ncliente idcliente iddecliente codigocliente codigodecliente codicecliente klantnummer klantnr \
    klantid kundnummer kundnr kundid idklienta numerklienta nrklienta kodklienta iddocliente codigodocliente \
    idzakaznika cislozakaznika";
/// Some shops write ids under these, some names and some addresses.
pub(super) const OPEN: &str = "customer client buyer kunde kaufer kaeufer cliente acheteur comprador klant koper kund klient zakaznik \
    kupujacy";

pub(super) const EMAIL: &str = "email emailaddress customeremail customeremailaddress buyeremail buyeremailaddress clientemail shopperemail \
    purchaseremail contactemail useremail accountemail primaryemail emailid mail mailaddress fromemailaddress \
    payeremail receiptemail emailadresse mailadresse kundenemail emaildeskunden kundenmail kundeemail \
    adresseemail adressemail adresseelectronique courriel courrielclient emailclient emailduclient \
    correoelectronico correo email1 correoelectronicodelcliente emailcliente emaildelcliente direcciondecorreo \
    direcciondecorreoelectronico indirizzoemail postaelettronica emailadres klantemail emailklant epost eposta \
    epostadress epostadresse emailkunde adresemail adrespocztyelektronicznej emailklienta mailklienta \
    emailkupujacego emaildocliente emailcomprador enderecodeemail emailzakaznika emailovaadresa epostkund";
pub(super) const EMAIL_BILLING: &str = "billingemail emailbilling billingemailaddress billtoemail invoiceemail \
    rechnungsemail emailrechnung emailfacturation emaildefacturation emailfacturacion emailfatturazione factuuremail";
pub(super) const EMAIL_SHIPPING: &str = "shippingemail emailshipping shippingemailaddress shiptoemail deliveryemail \
    recipientemail lieferemail emaillieferung emaillivraison emailenvio emailspedizione";
pub(super) const PHONE: &str = "phone phonenumber phoneno customerphone customerphonenumber buyerphone buyerphonenumber contactphone \
    primaryphone mobile mobilephone mobilenumber mobilephonenumber cell cellphone telephone telephonenumber \
    telephoneno tel sms whatsapp telefon telefonnummer telefonnr handy handynummer mobil mobilnummer \
    mobiltelefon rufnummer numerodetelephone telephoneportable telephonemobile portable telefono \
    numerodetelefono movil telefonomovil celular cellulare telefonocellulare numeroditelefono telefoon \
    telefoonnummer mobiel mobielnummer gsm tlf tlfnr numertelefonu nrtelefonu telefonkontaktowy telefonklienta \
    telemovel numerodetelefone telefonecelular telefonnicislo telefone";
pub(super) const PHONE_BILLING: &str = "billingphone phonebilling billingphonenumber billingtelephone billtophone \
    billingaddressphone defaultaddressphone rechnungstelefon telefonrechnung telephonefacturation telefonofacturacion";
pub(super) const PHONE_SHIPPING: &str = "shippingphone phoneshipping shippingphonenumber shippingtelephone shiptophone \
    shippingaddressphone deliveryphone recipientphone liefertelefon telephonelivraison telefonoenvio";
pub(super) const LOYALTY_CARD: &str = "loyaltycard loyaltycardnumber loyaltycardno loyaltyid clubcard membershipnumber \
    kundenkarte kundenkartennummer bonuskarte cartefidelite cartedefidelite tarjetadefidelidad tarjetafidelidad \
    cartafedelta klantenkaart";
pub(super) const COUNTRY: &str = "country countrycode land landcode pays pais paese billingcountry billingcountrycode countrycodebilling \
    countrybilling shippingcountry shippingcountrycode countryshipping customercountry kraj zeme";
/// Where the country is part of another name in customers' files.
pub(super) const COUNTRY_OF_CUSTOMER: &str = "defaultaddresscountrycode defaultaddresscountry countryregion cc";

pub(super) const PRODUCT_ID: &str = "productid stockcode lineitemsku sku itemsku productsku itemid productcode itemcode articleid articlenumber \
    itemnumber asin variantsku artikelnummer artikelnr artnr referenceproduit codeproduit idproduit \
    referenciadelproducto codigoproducto idproducto codicearticolo codiceprodotto artikelcode productnummer \
    varenummer varenr kodproduktu idproduktu codigodoproduto idproduto kodzbozi";
pub(super) const PRODUCT_NAME: &str = "productname itemname producttitle itemtitle description productdescription itemdescription product item \
    title listingtitle artikel artikelname artikelbezeichnung bezeichnung produkt produktname produit nomproduit \
    nomduproduit designation article articulo producto nombreproducto nombredelproducto descripcion articolo \
    prodotto nomeprodotto nomedelprodotto descrizione productnaam artikelnaam omschrijving vare varenavn \
    produktnavn produktnamn nazwaproduktu nazwatowaru towar produto nomedoproduto nazevproduktu polozka zbozi \
    vara artikelnamn";
pub(super) const BRAND: &str =
    "brand vendor manufacturer marke hersteller marque marca merk maerke varemaerke merke marka producent znacka";
pub(super) const CATEGORY: &str =
    "category productcategory producttype department kategorie warengruppe categorie categoria kategori kategoria";
pub(super) const PRICE: &str = "price unitprice lineitemprice itemprice itemcost priceperunit priceeach productprice productunitprice \
    itemunitprice einzelpreis stuckpreis stueckpreis preis verkaufspreis prix prixunitaire precio preciounitario \
    prezzo prezzounitario prijs stukprijs eenheidsprijs pris stykpris enhetspris styckpris cena cenajednostkowa \
    cenabrutto preco precounitario valorunitario cenazakus jednotkovacena apris prijsperstuk";
pub(super) const QUANTITY: &str = "quantity qty lineitemquantity itemquantity quantityrefund units itemqty productqty productquantity \
    quantitypurchased quantityordered orderedquantity menge anzahl stuckzahl stueckzahl quantite qte cantidad \
    quantita aantal hoeveelheid antal antall ilosc sztuk liczbasztuk quantidade qtd qtde mnozstvi pocet \
    pocetkusu";
pub(super) const LINE_TOTAL: &str = "linetotal salesvalue itemtotal rowtotal orderlinetotal lineamount lineitemtotal \
    itemsubtotal linesubtotal producttotal positionswert positionssumme positionsbetrag zeilensumme zeilenbetrag \
    totalligne totaldelaligne totallinea totaldelalinea totaleriga regeltotaal regelbedrag linjetotal linjebelob \
    linjebelop";
/// What the order comes to, by headers that say so.
pub(super) const ORDER_TOTAL: &str = "ordertotal ordertotalamount ordertotalinctax ordertotalincltax ordertotalincludingtax grandtotal \
    grandtotalpurchased grandtotalbase grandtotalamount orderamount ordervalue totalorderamount totalcollected \
    bestellwert bestellsumme gesamtbestellwert rechnungsbetrag totalcommande totaldelacommande \
    montantdelacommande totalpedido totaldelpedido totaleordine totaledellordine besteltotaal ordertotaal \
    ordretotal invoiceamount invoicetotal wartosczamowienia kwotazamowienia sumazamowienia totaldopedido \
    valordopedido totaldaencomenda celkovacenaobjednavky ordersumma orderbelopp ordervarde ordrebelob ordresum \
    ordrebelop bestellbetrag auftragssumme auftragswert";
/// The same, by headers under which lines have theirs as well.
pub(super) const TOTAL: &str = "total totalamount totalprice totalpaid amountpaid amount revenue totalinctax totalincltax totalwithtax \
    totaltaxincl totalgross gross salestotal saletotal saleamount paymentamount totalvalue gesamtbetrag \
    gesamtsumme gesamtpreis gesamt betrag bruttobetrag brutto endbetrag summe umsatz montanttotal montantttc \
    montant totalttc prixtotal importetotal importe preciototal montototal monto importototale importo totale \
    prezzototale totaalbedrag totaal bedrag totalbelob belob totalbelop belop totalsumma summa sum totalt \
    wartosc kwota suma razem lacznie dozaplaty valortotal valor celkem cenacelkem celkovacena castka \
    totaltbelopp totaltbelop";
pub(super) const DISCOUNT: &str = "discount discountamount cartdiscountamount discounttotal totaldiscount orderdiscount discounts retaildisc \
    rabatt rabattbetrag remise montantremise reduction descuento sconto korting rabat znizka desconto sleva";
pub(super) const REFUNDED: &str = "refundedamount refundamount orderrefundamount totalrefunded amountrefunded refundedtotal refundtotal \
    totalrefund totalrefunds orderrefundtotal partialrefunds refunds refunded erstattet erstatteterbetrag \
    erstattungsbetrag ruckerstattung rueckerstattung ruckerstattungsbetrag rueckerstattungsbetrag \
    montantrembourse montantremboursement rembourse importereembolsado reembolsado importorimborsato rimborsato \
    terugbetaaldbedrag terugbetaald refunderetbelob refunderet aterbetalat refundert zwrot kwotazwrotu zwrocono \
    zwroconakwota valorreembolsado vraceno vracenacastka aterbetaltbelopp refundertbelop";
pub(super) const CANCELLED_AT: &str = "cancelledat canceledat cancelledon canceledon cancelleddate canceleddate datecancelled datecanceled \
    cancellationdate storniertam stornodatum annuleele datedannulation dateannulation fechadecancelacion \
    fechadeanulacion dataannullamento dataannullamentoordine geannuleerdop annuleringsdatum cancelledtime \
    canceledtime dataanulowania cancelled canceled iscancelled iscanceled storniert annule annulee anulado \
    cancelado annullato geannuleerd annulleret makulerad kansellert anulowano stornovano";
pub(super) const CURRENCY: &str = "currency currencycode ordercurrency ordercurrencycode paymentcurrency transactioncurrency waehrung wahrung \
    wahrungscode waehrungscode devise monnaie moneda divisa valuta valutacode valutakode valutakod munteenheid \
    moeda waluta mena";
pub(super) const STATUS: &str = "status orderstatus orderstate state bestellstatus auftragsstatus statut statutcommande statutdelacommande \
    etat etatdelacommande estado estadodelpedido estadopedido stato statoordine statodellordine bestelstatus \
    ordrestatus statuszamowienia stav stavobjednavky situacao situacaodopedido";
/// What became of its payment: refunds are told here where the order itself stands.
pub(super) const PAYMENT_STATUS: &str = "financialstatus paymentstatus betalningsstatus betalingsstatus zahlungsstatus paymentstate transactionstatus \
    statutdupaiement statutpaiement etatdupaiement estadodelpago estadodepago estadopago statodelpagamento \
    statopagamento betaalstatus betalstatus statusplatnosci situacaodopagamento statusdopagamento stavplatby \
    financialstate";
/// What a refund that has a number of its own came back of.
pub(super) const REFUND_OF: &str = "referencetxnid referencetransactionid originaltransactionid originaltransaction \
    relatedtransactionid parenttransactionid refundedtransactionid originalorderid originalordernumber originalreceipt \
    originalreceiptnumber originalreceiptno refundedorderid";
/// Whether a row is a payment or a refund.
pub(super) const ROW_KIND: &str = "eventtype transactiontype type recordtype rowtype entrytype vorgangsart \
    transaktionstyp transaktionsart typ art typedetransaction tipo tipodetransaccion tipodioperazione transactiesoort \
    soort";

pub(super) const FIRST_NAME: &str = "firstname givenname customerfirstname vorname prenom primernombre voornaam fornavn fornamn billingfirstname \
    firstnamebilling buyerfirstname imie jmeno";
pub(super) const LAST_NAME: &str = "lastname surname familyname customerlastname nachname familienname zuname nomdefamille apellidos apellido \
    cognome achternaam efternavn efternamn etternavn billinglastname lastnamebilling buyerlastname nazwisko \
    sobrenome apelido prijmeni";
pub(super) const FULL_NAME: &str = "fullname customername buyername clientname contactname displayname billingname billtoname kundenname \
    kaufername nomcomplet nomduclient nomclient nombrecompleto nombredelcliente nombrecliente nomecompleto \
    nomecliente nomedelcliente klantnaam volledigenaam naam kundenavn kundnamn navn namn imieinazwisko \
    nomedocliente jmenoaprijmeni nazwaklienta naamklant kundensnavn kundensnamn";
/// Of one word these are the first or the last name beside the other, else the whole.
pub(super) const SHORT_NAME: &str = "name nom nombre nome";
pub(super) const CITY: &str = "city town ort stadt wohnort ville ciudad citta comune plaats woonplaats by stad poststed defaultaddresscity \
    billingcity citybilling miasto miejscowosc cidade mesto obec";
pub(super) const POSTAL_CODE: &str = "zip postcode postalcode zipcode zippostalcode plz postleitzahl codepostal codigopostal cap postnummer postnr \
    defaultaddresszip billingpostcode billingzip postcodebilling kodpocztowy cep psc";
pub(super) const BIRTHDAY: &str = "birthday birthdate dateofbirth dob geburtsdatum geburtstag datedenaissance fechadenacimiento datadinascita \
    geboortedatum fodselsdag fodselsdato fodelsedag dataurodzenia datadenascimento datumnarozeni fodelsedatum";
pub(super) const GENDER: &str = "gender sex geschlecht anrede sexe sexo sesso geslacht kon plec genero pohlavi kjonn";
pub(super) const COMPANY: &str = "company companyname organization organisation firma firmenname unternehmen entreprise societe empresa \
    azienda societa bedrijf bedrijfsnaam foretag defaultaddresscompany billingcompany companybilling nazwafirmy";
pub(super) const TAGS: &str = "tags tag schlagworte etiquetas etichette labels";
/// Since when somebody is a customer: a trait, and not the time of the row, which is told now.
pub(super) const REGISTERED: &str = "createdat dateregistered registered registrationdate registeredat registeredon signupdate signedupat \
    datecreated dateadded createdon created profilecreatedon accountcreated accountcreatedat membersince \
    customersince joindate dateofregistration subscribersince registrierungsdatum registriertam angelegtam \
    erstelltam kundeseit datedinscription dateinscription datedecreation fechaderegistro fecharegistro \
    fechadealta dataregistrazione datadiregistrazione datacreazione registratiedatum aangemaaktop oprettet \
    oprettetden skapad createdate createtime signup signupat addedtime dateofsignup datarejestracji \
    datadecadastro datumregistrace";
/// What a customers' file sums up about somebody, which no orders' file has.
pub(super) const SUMS_OF_CUSTOMERS: [&str; 29] = [
    "spent",
    "lifetime",
    "average",
    "avg",
    "predicted",
    "last",
    "first",
    "latest",
    "balance",
    "points",
    "credit",
    "score",
    "rating",
    "latitude",
    "longitude",
    "updated",
    "changed",
    "modified",
    "visit",
    "login",
    "seen",
    "opened",
    "clicked",
    "orderscount",
    "aov",
    "ltv",
    "clv",
    "spend",
    "active",
];
/// When a row of customers says what it says.
pub(super) const STATED_AT: &str = "time timestamp";

/// Whether they said yes to marketing: a word or a flag for it.
pub(super) const CONSENT_EMAIL: &str = "acceptsemailmarketing acceptsmarketing acceptmarketing emailmarketingconsent emailmarketing \
    emailmarketingstatus emailoptin emailoptinstatus emailconsent emailsubscribed emailsubscription \
    emailsubscriptionstatus emailsubscriberstatus emailpermission emailpermissionstatus newsletter \
    newsletteroptin newslettersubscription newslettersubscribed newsletterconsent newsletterstatus \
    newslettersubscriber subscribedtonewsletter issubscribedtonewsletter subscribedtoemail \
    subscribedtoemails subscribed issubscribed subscriptionstatus subscriberstatus marketingconsent \
    marketingoptin marketingstatus optintomarketing marketingemails marketingaccepted receivesnewsletter \
    receivenewsletter receiveemails receivemarketingemails optin optedin optedintoemail optinstatus \
    newsletterabonnent newsletteranmeldung newsletterabonniert newsletterempfanger newsletterempfaenger \
    newslettereinwilligung werbeeinwilligung marketingeinwilligung emailwerbung inscritalanewsletter \
    inscritnewsletter abonnenewsletter infolettre accepteemailmarketing acceptelemarketing boletin \
    suscritoalboletin suscrito aceptamarketing aceptaemailmarketing boletindenoticias \
    iscrittoallanewsletter iscrittonewsletter accettamarketing nieuwsbrief nieuwsbriefinschrijving \
    ingeschrevennieuwsbrief accepteertmarketing nyhedsbrev nyhetsbrev acceptsemails acceptsnewsletter \
    buyeracceptsmarketing customeracceptsmarketing newslettererlaubt werbungerlaubt abonnealanewsletter \
    consentementmarketing optinemail recibirnewsletter suscritoalnewsletter consensomarketing \
    consensonewsletter iscrizionenewsletter zgodananewsletter zgodamarketingowa zgodanamarketing \
    zgodaemail zgodanaemail subskrypcjanewslettera zapisanydonewslettera aceitamarketing \
    aceitanewsletter receberemail inscritonewsletter souhlasnewsletter odbernovinek souhlasmarketing \
    prenumererar samtyckenyhetsbrev marknadsforing nyhedsbrevstilmelding tilmeldtnyhedsbrev \
    markedsforingssamtykke";
pub(super) const CONSENT_SMS: &str = "acceptssmsmarketing smsmarketingconsent smsmarketing smsmarketingstatus smsoptin smsconsent smssubscribed \
    smssubscription smssubscriptionstatus smspermission acceptstextmarketing textmarketing smssubscriberstatus \
    zgodanasms zgodasms";
pub(super) const CONSENT_WHATSAPP: &str =
    "acceptswhatsappmarketing whatsappmarketingconsent whatsappoptin whatsappconsent whatsappsubscribed";
/// Since when what the words above say holds.
pub(super) const SINCE_EMAIL: &str = "emailmarketingconsenttimestamp emailmarketingconsentdate emailmarketingconsenttime \
    emailmarketingconsentat emailmarketingconsentupdatedat emailconsenttimestamp emailconsentdate \
    emailsubscriptionstatustimestamp emailmarketingstatusupdatedat acceptsmarketingupdatedat consenttimestamp \
    consentdate consenttime consentedat marketingconsentdate marketingconsenttimestamp emailstatusdate \
    emailpermissiondate";
pub(super) const SINCE_SMS: &str = "smsmarketingconsenttimestamp smsmarketingconsentdate smsmarketingconsenttime \
    smsmarketingconsentupdatedat smsconsenttimestamp smsconsentdate smsstatusdate smsmarketingstatusupdatedat";
/// When they said yes.
pub(super) const OPTED_IN_EMAIL: &str = "optintime optindate optinat optedinat optedinon optedindate optintimestamp \
    subscribedat subscribedon subscribeddate datesubscribed subscribedate subscriptiondate subscribetime \
    newslettersubscribedat confirmtime confirmedat confirmeddate confirmdate confirmationtime doubleoptindate \
    doubleoptinat emailoptindate emailoptintime angemeldetam anmeldedatum dateinscriptionnewsletter fechadesuscripcion \
    datadiiscrizione ingeschrevenop tilmeldtden";
pub(super) const OPTED_IN_SMS: &str = "smsoptintime smsoptindate smsoptinat smssubscribedat";
/// That, when or why they said no: a flag, a time or any other text.
pub(super) const UNSUBSCRIBED_EMAIL: &str = "unsubscribed isunsubscribed unsubscribe unsubtime unsubscribetime unsubscribedat unsubscribedon \
    unsubscribeddate unsubscribedate dateunsubscribed unsubcampaigntitle unsubcampaignid unsubreason \
    unsubscribereason unsubreasonother unsubscribedfromallemail unsubscribedfromallemails unsubscribedfromemail \
    emailunsubscribed emailunsubscribedat globalunsubscribe globallyunsubscribed optedout isoptedout optout \
    optedoutat optedoutdate optoutdate optouttime optoutat emailoptout emailoptedout emailoptoutdate \
    hasoptedoutofemail optedoutofemail donotemail donotcontact donotmail blacklisted isblacklisted blacklist \
    emailblacklisted emailblacklist blocklisted blocklist emailblocklisted emailblocklist suppressed \
    issuppressed suppressedat emailsuppressed emailsuppressedat suppressionreason abgemeldet abgemeldetam \
    abmeldedatum austragungsdatum desabonne desabonnele datededesabonnement desinscrit dadodebaja fechadebaja \
    disiscritto disiscrittoil uitgeschreven uitgeschrevenop afmeldt afmeldtden suppressiontimestamp \
    suppressiondate suppressiontime emailsuppressions emailsuppressionstimestamp emailsuppressionreason \
    suppressions unsubscribetimestamp unsubtimestamp unsubscribedtimestamp unsubscriptiondate optedouton \
    optouttimestamp emailoptouttimestamp isblocklisted isblocked emailblocked blocklistedat blacklistedat \
    donotemailme optoutreason baja datawypisania wypisany avregistrerad frameldt odhlasen werbesperre listanegra";
pub(super) const UNSUBSCRIBED_SMS: &str = "smsunsubscribed smsunsubscribedat smsoptout smsoptedout smsoptoutdate \
    smsblacklisted smsblocklisted smssuppressed donottext";
pub(super) const UNSUBSCRIBED_WHATSAPP: &str =
    "whatsappblacklisted whatsappblocklisted whatsappunsubscribed whatsappoptout";
/// That or when mail to them came back for good.
pub(super) const BOUNCED: &str = "bounced isbounced hardbounced hardbounce emailbounced emailhardbounced hardbouncedat \
    bouncedat bounceddate bouncedate bouncetime emailhardbouncedate emailhardbouncereason hardbouncereason cleaned \
    cleantime cleanedat cleancampaigntitle cleancampaignid cleanreason";
/// That or when they called a message spam.
pub(super) const COMPLAINED: &str = "complained iscomplaint complainedat spamcomplaint spamcomplaintat markedasspam markedspam reportedspam \
    reportedasspam spamreport spamreported flaggedasspam spam";
/// What a mailing tool says of a contact, in one word.
pub(super) const CONTACT_STATUS: &str = "status contactstatus memberstatus emailstatus emailcontactstatus liststatus \
    mailingstatus statut estado stato";
pub(super) const CONTACT_STATUS_SMS: &str = "smsstatus";

/// How headers of mailing tools go on or begin, where none of the tables has them: of who left or must not be written to.
pub(super) const STEMS_OF_LEAVING: &str = "unsub optout optedout desabon desinscri abgemeldet abmeld austrag uitgeschreven \
    afgemeld afmeld avmeld frameld avregistr disiscri blacklist blocklist suppress donotemail donotcontact donotmail \
    donotsend wypisan odhlas";
/// Of who said yes.
pub(super) const STEMS_OF_JOINING: &str = "newsletter optin optedin subscrib subscription marketingconsent consentmarketing \
    acceptsmarketing emailmarketing marketingpermission emailpermission mailingpermission marketingoptin nyhedsbrev \
    nyhetsbrev nieuwsbrief boletin infolettre";
pub(super) const STEMS_OF_BOUNCES: &str = "hardbounce bounced";
pub(super) const STEMS_OF_COMPLAINTS: &str = "complain spamreport reportedspam markedspam markedasspam";
/// What is about such things and says nothing of them.
pub(super) const STEMS_OF_NEITHER: &str = "url link token hash key rate count campaign page method source ip name type id \
    soft country frequency topic interest provider partner";
